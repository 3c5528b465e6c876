"""The files that a session leaves in the reports folder."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import StoreError
from harness.report.session import Measured
from harness.report.table import markdown


def write(
    folder: Path, measured: Measured, environment: Mapping[str, Any], verdict: str
) -> tuple[Path, Path]:
    """Write `session.json` and `session.md`; each is written beside and renamed.

    Raises:
        StoreError: the folder cannot be written.
    """
    told = measured.as_json(environment) | {"verdict": verdict}
    texts = {
        folder / "session.json": json.dumps(told, indent=1) + "\n",
        folder / "session.md": markdown(measured, environment, verdict),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            beside = path.with_name(f".{path.name}.{os.getpid()}")
            beside.write_text(text, encoding="utf-8")
            beside.replace(path)
    except OSError as error:
        raise StoreError(
            f"the reports folder {folder} cannot be written",
            why=error.strerror or str(error),
            fix="free or unlock the disk, or name another --harness-reports",
        ) from None
    json_path, markdown_path = texts
    return json_path, markdown_path

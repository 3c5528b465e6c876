"""Interpreters in whose environment packages only pretend to be installed: made in no time."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

VERSIONS: Mapping[str, str] = {
    "accelerate": "1.15.0",
    "datasets": "5.2.0",
    "evaluate": "0.4.6",
    "torch": "2.13.0",
    "transformers": "5.23.0",
}


def interpreter(
    folder: Path, versions: Mapping[str, str] = VERSIONS, sources: Mapping[str, str] | None = None
) -> Path:
    """A new environment's interpreter.

    Args:
        folder: for the environment.
        versions: by package, of what pretends to be there.
        sources: code of a package's `__init__.py`, where it shall not be empty.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for name, version in versions.items():
        (packages / name).mkdir()
        (packages / name / "__init__.py").write_text((sources or {}).get(name, ""), "utf-8")
        described = packages / f"{name}-{version}.dist-info"
        described.mkdir()
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (described / "METADATA").write_text(text, encoding="utf-8")
        listed = [f"{name}/__init__.py,,", f"{described.name}/METADATA,,"]
        record = "\n".join([*listed, f"{described.name}/RECORD,,", ""])
        (described / "RECORD").write_text(record, encoding="utf-8")
    return folder / "bin" / "python"

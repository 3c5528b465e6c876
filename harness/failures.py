"""Failures that processes of one session share: a cell that crashed is not tried again by each.

The store holds records only; these notes last as long as the session's temporary folder.
"""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness import digest, errors
from harness.errors import HarnessError


def _folder(session: str) -> Path:
    """Where a session's processes leave notes for each other."""
    return Path(tempfile.gettempdir()) / f"harness-failures-{session}"


@contextlib.contextmanager
def shared(session: str, name: str) -> Iterator[None]:
    """Fail as another process of the session failed, or note how this block does.

    Raises:
        HarnessError: the one that the block raised, here or in another process.
    """
    note = _folder(session) / digest.of_json(name)[:16]
    if note.is_file():
        told = json.loads(note.read_text(encoding="utf-8"))
        raise getattr(errors, told["kind"])(told["what"], why=told["why"], fix=told["fix"])
    try:
        yield
    except HarnessError as error:
        told = {"what": error.what, "why": error.why, "fix": error.fix}
        note.parent.mkdir(exist_ok=True)
        note.write_text(json.dumps(told | {"kind": type(error).__name__}), encoding="utf-8")
        raise


def forget(session: str) -> None:
    """Remove a session's notes, once all its processes are done."""
    shutil.rmtree(_folder(session), ignore_errors=True)

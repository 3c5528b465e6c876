"""Failures that processes of one session share: what is lost is neither tried nor reported twice.

The store holds records only; these notes last as long as the session's temporary folder.
"""

import contextlib
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.core import digest, errors
from harness.core.errors import HarnessError
from harness.judge import outlet


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
    known = _known(note)
    if known is not None:
        raise known
    try:
        yield
    except HarnessError as error:
        reason = {"what": error.what, "why": error.why, "fix": error.fix}
        with contextlib.suppress(OSError):  # then others try again, and see for themselves
            _write(note, json.dumps(reason | {"kind": type(error).__name__}))
        raise


def _known(note: Path) -> HarnessError | None:
    """The failure that a note tells of; none if there is no note, or a damaged one."""
    try:
        reason = json.loads(note.read_text(encoding="utf-8"))
        kind = getattr(errors, reason["kind"])
        error = kind(reason["what"], why=reason["why"], fix=reason["fix"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return error if isinstance(error, HarnessError) else None


def first_test(session: str, causes: Sequence[str], test: str) -> str:
    """The test that shows a loss: this one, unless another showed one of its causes before."""
    notes = [_folder(session) / f"{digest.of_json(cause)[:16]}.test" for cause in causes]
    try:
        known = [note.read_text(encoding="utf-8") for note in notes if note.is_file()]
        if not known:
            known = [_write(note, test) for note in notes]
    except OSError:
        return test  # shown twice is better than not at all
    return known[0]


def _write(note: Path, text: str) -> str:
    """Leave a note, unless there is one: what it says then."""
    note.parent.mkdir(exist_ok=True)
    beside = note.with_suffix(f".{uuid.uuid4().hex}")
    outlet.write(beside, text)
    try:
        os.link(beside, note)
    except FileExistsError:  # another process was first
        return note.read_text(encoding="utf-8")
    finally:
        beside.unlink()
    return text


def forget(session: str) -> None:
    """Remove a session's notes, once all its processes are done."""
    shutil.rmtree(_folder(session), ignore_errors=True)

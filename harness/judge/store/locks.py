"""Locks: of several processes that want a record, one makes it or removes it."""

from pathlib import Path

from filelock import FileLock

from harness.core import digest
from harness.judge import repository

NAME = "locks"


def lock(root: Path, path: str) -> FileLock:
    """The lock of a record, not yet held.

    Args:
        root: of the store.
        path: of the record, below `records/`.

    Raises:
        OSError: the folder of locks cannot be made.
    """
    folder = root / NAME
    repository.unversioned(root)
    folder.mkdir(exist_ok=True)
    return FileLock(folder / digest.of_json(path)[:16])

"""The files that a command leaves in the reports folder."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from harness.core.errors import StoreError
from harness.judge import outlet, repository


def write(folder: Path, texts: Mapping[str, str | bytes]) -> list[Path]:
    """Write texts, or bytes, by the files' names; each is written beside and renamed.

    Raises:
        StoreError: the folder cannot be written.
    """
    try:
        repository.unversioned(folder)
        for name, text in texts.items():
            outlet.write(folder / name, text)
    except OSError as error:
        raise _unwritable(folder, error) from None
    return [folder / name for name in texts]


def check(folder: Path) -> None:
    """Refuse a folder before hours of work for nothing.

    Raises:
        StoreError: the folder cannot be written.
    """
    try:
        repository.unversioned(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(folder, error) from None


def _unwritable(folder: Path, error: OSError) -> StoreError:
    """The error for a folder that cannot be written."""
    return StoreError(
        f"the reports folder {folder} cannot be written",
        why=error.strerror or str(error),
        fix="free or unlock the disk, or name another reports folder",
    )

"""The staging: where everything is written first, to be renamed into place when it is whole.

Whatever is killed in between leaves something here, and nothing anywhere else.
"""

import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from harness.core.errors import StoreError
from harness.judge import outlet, repository

STALE = 24 * 60 * 60
"""Seconds after which whoever was writing here is taken to be dead."""

_ATTEMPTS = 3
"""How often a folder is made that somebody else removes because it is empty."""


def unwritten(error: OSError, place: Path) -> StoreError:
    """What it means that something beside the store cannot be written."""
    return StoreError(
        f"{error.filename or place} cannot be written",
        why=error.strerror or str(error),
        fix="free or unlock the disk, or name another --harness-store or TMPDIR",
    )


class Staging:
    """The folder `staging` of a store."""

    def __init__(self, root: Path) -> None:
        """Stage for the store below a root; made on the first write."""
        self.root = root
        self.place = root / "staging"

    @contextlib.contextmanager
    def folder(self) -> Iterator[Path]:
        """An empty folder, removed unless the block publishes it.

        Raises:
            StoreError: the disk is full or read-only.
        """
        with self.writing():
            folder = self._name()
            self._sweep()
            folder.mkdir()  # as the user's umask has it: others may share the store
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, folder: Path, path: str) -> None:
        """Rename a staged folder into its place.

        The uppermost folder of that place is touched first: an index need look no deeper to see
        what is new.

        Raises:
            OSError: it could not be.
        """
        place = self.root / path
        for attempt in range(_ATTEMPTS):
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                os.utime(self.root / Path(*Path(path).parts[:2]))
                folder.rename(place)
            except FileNotFoundError:  # the place was empty, and has just been pruned
                if attempt + 1 == _ATTEMPTS:
                    raise
            except OSError:
                if not place.is_dir():  # else another process was first, with the same content
                    raise
            if place.is_dir():
                return

    def write(self, path: Path, text: str) -> None:
        """Write a file that nobody reads half of.

        Raises:
            OSError: it could not be.
        """
        beside = self._name()
        try:
            outlet.write(beside, text)
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
            raise

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Say what a failed write means."""
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"the store {self.root} cannot be written",
                why=f"{error.strerror or error}"
                + (f": {error.filename}" if error.filename else ""),
                fix="free or unlock the disk, or name another --harness-store",
            ) from None

    def _name(self) -> Path:
        """A new name in the folder."""
        repository.unversioned(self.root)
        self.place.mkdir(exist_ok=True)
        return self.place / uuid.uuid4().hex

    def _sweep(self) -> None:
        """Remove what was left behind."""
        for left in self.place.iterdir():
            with contextlib.suppress(OSError):  # another user's, or gone meanwhile
                if left.stat().st_mtime < time.time() - STALE:
                    shutil.rmtree(left) if left.is_dir() else left.unlink()

"""Inputs that were made: a user's rows as tables, and stand-ins; sealed, and never shared.

They lie below `inputs/` of a store, and are made anew wherever they are wanted: rows are a user's
own, and leave no machine by way of the store.
"""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.core import digest
from harness.judge.store import locks, sealed
from harness.judge.store.staging import Staging


class InputStore:
    """The folder `inputs` of a store."""

    def __init__(self, root: Path) -> None:
        """Keep inputs below the store's root; made on the first write."""
        self.root = root
        self._staging = Staging(root)

    def get(self, name: str) -> Path | None:
        """The folder of a name, if there is one that is whole; a damaged one is removed."""
        folder = self.root / "inputs" / name
        if not folder.is_dir():
            return None
        with contextlib.suppress(OSError):  # when it was last used, if this user may say so
            os.utime(folder)
        try:
            sealed.check(folder)
        except (OSError, ValueError):
            shutil.rmtree(folder, ignore_errors=True)
            return None
        return folder

    @contextlib.contextmanager
    def make(self, name: str) -> Iterator[Path]:
        """An empty folder that is kept under a name when the block ends well.

        Raises:
            StoreError: the disk is full or read-only, and nothing is left behind.
        """
        with self._staging.folder() as folder:
            yield folder
            with self._staging.writing():
                sealed.seal(folder)
                self._staging.publish(folder, f"inputs/{name}")

    def variants(self, name: str) -> Iterator[Path]:
        """The whole folders that `add` has made under a name, the last used first."""
        folder = self.root / "inputs" / name
        for path in _by_use(folder):
            kept = self.get(f"{name}/{path.name}")
            if kept is not None:
                with contextlib.suppress(OSError):  # they are pruned together
                    os.utime(folder)
                yield kept

    def add(self, name: str, fill: Callable[[Path], object]) -> Path:
        """A folder that is filled now, and kept under a name and its content.

        Raises:
            StoreError: the disk is full or read-only, and nothing is left behind.
        """
        with self._staging.folder() as folder:
            fill(folder)
            with self._staging.writing():
                files = sorted(path for path in folder.rglob("*") if path.is_file())
                place = f"inputs/{name}/{digest.of_files(files, folder)[:12]}"
                sealed.seal(folder)
                self._staging.publish(folder, place)
        return self.root / place

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold a name: of several processes that want it, one makes it, the others wait."""
        with self._staging.writing():
            lock = locks.lock(self.root, f"inputs/{name}")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()


def _by_use(folder: Path) -> list[Path]:
    """The folders in a folder, the last used first."""
    if not folder.is_dir():
        return []
    return sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)

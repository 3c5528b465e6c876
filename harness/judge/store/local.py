"""The store: records by content, immutable, safe for many processes, readable by a human.

    VERSION                                       format of the store
    records/LABEL-RECIPE/ENVIRONMENT/ATTEMPT/     a record, sealed
    sessions/NIGHT/SESSION/                       what a session has judged, sealed
    inputs/NAME/ENVIRONMENT/                      a user's rows as tables, sealed, never shared
    collations/ENVIRONMENT/*.json                 answers of live children, by request
    staging/                                      what is being written
    corrupt/                                      records that were not what was written
    locks/                                        one file for each record in the making
    fingerprints.json                             a cache of `harness.core.environment`

A folder is written in `staging`, sealed and renamed into place; losing that race is success. It is
then shared, if there is a remote; what is missing here is looked for there.
"""

import contextlib
import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from harness.core import digest
from harness.core.errors import CorruptError, StoreError
from harness.judge import outlet
from harness.judge.store import locks, sealed
from harness.judge.store.remote import Remote
from harness.judge.store.staging import Staging

Kept = TypeVar("Kept")

_AT_ONCE = 16
"""Folders that are taken from a remote at the same time: most of that is waiting."""

VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A record's place.

    Attributes:
        label: what the record is of, for human eyes: `mrpc-bert-base-uncased-dynamic-trainer`.
        recipe: digest of the recipe, its inputs and its device.
        environment: the environment key.
        attempt: `0`, or a name of its own for a run that must be fresh.
    """

    label: str
    recipe: str
    environment: str
    attempt: str = "0"

    @property
    def path(self) -> str:
        """The record's folder below `records/`."""
        return f"{self.label}-{self.recipe[:12]}/{self.environment[:12]}/{self.attempt}"


class Store:
    """A directory of sealed folders: records, trials and sessions."""

    def __init__(self, root: Path, remote: Remote | None = None) -> None:
        """Open a store, and share it with a remote; made on the first write.

        Raises:
            StoreError: it was written by a newer version, or cannot be read.
        """
        self.root = root
        self.remote = remote
        self.set_aside: list[str] = []
        self._staging = Staging(root)
        version = root / "VERSION"
        try:
            written = int(version.read_text(encoding="ascii")) if version.is_file() else VERSION
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{version} cannot be read", why=str(error), fix="name another --harness-store"
            ) from None
        if written > VERSION:
            raise StoreError(
                f"the store {root} is of version {written}",
                why=f"this harness knows version {VERSION}",
                fix="upgrade finetune-harness, or name another --harness-store",
            )

    def get(self, key: Key, read: Callable[[Path], Kept]) -> Kept | None:
        """What a key's folder holds, None if there is none.

        One whose files are not what was written is set aside, as if it were not there: whoever
        wants it makes it anew.

        Raises:
            StoreError: it cannot be set aside, or the remote fails.
        """
        path = f"records/{key.path}"
        for _ in range(1 if self.remote is None else 2):  # there it may be whole
            try:
                folder = self.open(path)
                if folder is None:
                    return None
                with self._trusting(path):
                    return read(folder)
            except CorruptError as error:
                if not self._set_aside(path, error):
                    raise
        return None

    def _set_aside(self, path: str, error: CorruptError) -> bool:
        """Rename a corrupt folder, so that nobody reads it: whether it is gone."""
        aside = self.root / "corrupt" / f"{path.replace('/', '-')}-{uuid.uuid4().hex[:8]}"
        try:
            aside.parent.mkdir(exist_ok=True)
            (self.root / path).rename(aside)
        except FileNotFoundError:
            return True  # another process was first
        except OSError:
            return False
        self.set_aside.append(f"{error.what} ({error.why}): it is made anew, and kept as {aside}")
        return True

    def open(self, path: str) -> Path | None:
        """A sealed folder, from the remote if it is not here; None if there is none.

        Args:
            path: such as `sessions/2026-10-06/0f3a`.

        Raises:
            StoreError: its files are not what was sealed, or the remote fails.
        """
        folder = self.root / path
        if not folder.is_dir() and not self._pull(path):
            return None
        with contextlib.suppress(OSError):  # when it was last used, if this user may say so
            os.utime(folder)
        with self._trusting(path):
            sealed.check(folder)
        return folder

    def sealed(self, kind: sealed.Kind) -> Iterator[str]:
        """Paths of all sealed folders of a kind that are here, in order."""
        return _below(self.root / kind, kind, sealed.DEPTHS[kind])

    def staging(self, key: Key) -> contextlib.AbstractContextManager[Path]:
        """An empty folder that becomes the record of a key when the block ends well.

        Raises:
            StoreError: as `seal` does.
        """
        return self.seal(f"records/{key.path}")

    @contextlib.contextmanager
    def seal(self, path: str) -> Iterator[Path]:
        """An empty folder that is sealed, put at a path and shared when the block ends well.

        Raises:
            StoreError: the disk is full or read-only, and nothing is left behind; or the folder
                is stored, and could not be shared.
        """
        with self._staged() as folder:
            yield folder
            with self._staging.writing():
                outlet.clean(folder)
                sealed.seal(folder)
                self._staging.publish(folder, path)
        if self.remote is not None:
            try:
                with self._trusting(path):
                    self.remote.push(path, self.root / path)
            except StoreError as error:
                raise StoreError(
                    f"{path} is stored, but not shared",
                    why=error.text,
                    fix=f"it is kept in {self.root}; the next session shares it",
                ) from None

    def share(self) -> int:
        """Give the remote what it does not have: how many folders.

        Raises:
            StoreError: the remote fails.
        """
        count = 0
        if self.remote is not None:
            self.remote.sweep()
            for kind in sealed.DEPTHS:
                there = self.remote.paths(kind)
                for path in self.sealed(kind):
                    if path not in there:
                        with contextlib.suppress(ValueError, OSError):  # damaged: not worth sharing
                            self.remote.push(path, self.root / path)
                            count += 1
        return count

    def fetch(self) -> int:
        """Take from the remote what is not here: how many folders.

        Raises:
            StoreError: the remote fails, or the disk is full or read-only.
        """
        if self.remote is None:
            return 0
        there = [path for kind in sealed.DEPTHS for path in sorted(self.remote.paths(kind))]
        missing = [path for path in there if not (self.root / path).is_dir()]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return sum(pool.map(self._pull, missing))

    @contextlib.contextmanager
    def lock(self, key: Key) -> Iterator[None]:
        """Hold a key: of several processes that want a record, one makes it, the others wait."""
        with self._staging.writing():
            lock = locks.lock(self.root, key.path)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def answers(self, environment: str) -> dict[str, Any]:
        """What live children of an environment have answered, by the request's digest."""
        answers: dict[str, Any] = {}
        for path in sorted((self.root / "collations" / environment[:12]).glob("*.json")):
            with contextlib.suppress(OSError, ValueError, RecursionError):  # answered again
                part = json.loads(path.read_text(encoding="utf-8"))
                answers |= part if isinstance(part, dict) else {}
                os.utime(path)
        return answers

    def remember_answers(self, environment: str, answers: Mapping[str, Any]) -> None:
        """Keep what a live child has answered."""
        with self._staging.writing():
            name = f"{digest.of_json(answers)[:16]}.json"
            text = json.dumps(answers, sort_keys=True)
            self._staging.write(self.root / "collations" / environment[:12] / name, text)

    def _pull(self, path: str) -> bool:
        """Take a folder from the remote: whether it has it."""
        contents = self.remote.pull(path) if self.remote is not None else None
        if contents is None:
            return False
        with self._staged() as folder, self._staging.writing():
            sealed.fill(folder, contents)
            self._staging.publish(folder, path)
        return True

    @contextlib.contextmanager
    def _staged(self) -> Iterator[Path]:
        """A folder to write in, and the store around it."""
        version = self.root / "VERSION"
        with self._staging.writing():
            if not version.is_file():
                self._staging.write(version, f"{VERSION}\n")
        with self._staging.folder() as folder:
            yield folder

    @contextlib.contextmanager
    def _trusting(self, path: str) -> Iterator[None]:
        """Say what it means that a sealed folder cannot be read."""
        thing = f"the {path.partition('s/')[0]} {self.root / path}"
        try:
            yield
        except sealed.VersionError as error:
            raise StoreError(
                f"{thing} was written by a newer version",
                why=str(error),
                fix="upgrade finetune-harness, or name another --harness-store",
            ) from None
        except (PermissionError, InterruptedError, BlockingIOError) as error:
            raise StoreError(
                f"{thing} cannot be read",
                why=error.strerror or str(error),
                fix="let this user read it, or name another --harness-store",
            ) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorruptError(
                f"{thing} is corrupt",
                why=f"{type(error).__name__}: {error}",
                fix="delete that folder to train the cell again"
                if path.startswith("records/")
                else "delete that folder: the session is then as if it had not been",
            ) from None


def _below(folder: Path, path: str, depth: int) -> Iterator[str]:
    """Paths of the folders that lie some levels below a folder, which has a path itself."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(item.name for item in entries if item.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        if depth == 1:
            yield f"{path}/{name}"
        else:
            yield from _below(folder / name, f"{path}/{name}", depth - 1)

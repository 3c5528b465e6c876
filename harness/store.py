"""The store: records by content, immutable, safe for many processes, readable by a human.

    VERSION                              format of the store
    records/RECIPE-KEY/ENVIRONMENT/ATTEMPT/   a record's files, and manifest.json with their digests
    collations/ENVIRONMENT/*.json        answers of live children, by request
    staging/                             records being written
    locks/                               one file for each record in the making
    fingerprints.json                    a cache of `harness.environment`

A record is written in `staging` and renamed into place; losing that race is success.
"""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock

from harness import digest
from harness.errors import StoreError

Kept = TypeVar("Kept")

VERSION = 1
MANIFEST = "manifest.json"


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
    """A directory of records and trials."""

    def __init__(self, root: Path) -> None:
        """Open a store; made on the first write.

        Raises:
            StoreError: it was written by a newer version, or cannot be read.
        """
        self.root = root
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

        Raises:
            StoreError: the record's files are not what was written.
        """
        folder = self.root / "records" / key.path
        if not folder.is_dir():
            return None
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            for name, expected in manifest["files"].items():
                if digest.of_file(folder / name) != expected:
                    raise ValueError(f"{name} has changed")  # noqa: TRY301 - caught below
            return read(folder)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"the record {folder} is corrupt",
                why=f"{type(error).__name__}: {error}",
                fix="delete that folder to train the cell again",
            ) from None

    @contextlib.contextmanager
    def staging(self, key: Key) -> Iterator[Path]:
        """An empty folder that becomes the record of a key when the block ends well.

        Raises:
            StoreError: the disk is full or read-only; nothing is left behind.
        """
        with self._writing():
            folder = self._stage()
        try:
            yield folder
            with self._writing():
                self._publish(folder, self.root / "records" / key.path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def lock(self, key: Key) -> Iterator[None]:
        """Hold a key: of several processes that want a record, one makes it, the others wait."""
        with self._writing():
            folder = self.root / "locks"
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / digest.of_json(key.path)[:16])
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def answers(self, environment: str) -> dict[str, Any]:
        """What live children of an environment have answered, by the request's digest."""
        found: dict[str, Any] = {}
        for path in sorted((self.root / "collations" / environment[:12]).glob("*.json")):
            with contextlib.suppress(OSError, ValueError):  # a lost answer is asked for again
                found |= json.loads(path.read_text(encoding="utf-8"))
        return found

    def remember_answers(self, environment: str, answers: Mapping[str, Any]) -> None:
        """Keep what a live child has answered."""
        with self._writing():
            folder = self.root / "collations" / environment[:12]
            folder.mkdir(parents=True, exist_ok=True)
            text = json.dumps(answers, sort_keys=True)
            beside = folder / f".{os.getpid()}"
            beside.write_text(text, encoding="utf-8")
            beside.replace(folder / f"{digest.of_json(answers)[:16]}.json")

    def _stage(self) -> Path:
        """Make a folder to write in, and the store around it."""
        staging = self.root / "staging"
        staging.mkdir(parents=True, exist_ok=True)
        version = self.root / "VERSION"
        if not version.is_file():
            version.write_text(f"{VERSION}\n", encoding="ascii")
        return Path(tempfile.mkdtemp(dir=staging))

    def _publish(self, staged: Path, folder: Path) -> None:
        """Seal a staged folder with its manifest and rename it into place."""
        files = sorted(path for path in staged.rglob("*") if path.is_file())
        digests = {path.relative_to(staged).as_posix(): digest.of_file(path) for path in files}
        manifest = json.dumps({"version": VERSION, "files": digests}, indent=1)
        (staged / MANIFEST).write_text(manifest + "\n", encoding="utf-8")
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            staged.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was first, with the same content
                raise

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
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

"""Whether a store survives: writers are killed at random moments, and their disk is full.

    python -m tests.benchmarks.killed --kills 300

A writer stores small records one after another, and reports each as stored. It is killed with
SIGKILL after a random time, again and again over the same store: alone, with a second writer that
wants the same records, with a remote, and with a second writer that has another store and the same
remote. After every kill, whatever was reported must be there, and whatever is there must be whole;
at last a writer must make what is missing, and nothing else. Prints what the kills hit. The same
check is then given a store that publishes file by file, and must notice.
"""

import argparse
import contextlib
import functools
import hashlib
import itertools
import json
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import numpy as np

from harness.core.errors import StoreError
from harness.judge.store.local import Key, Store
from harness.judge.store.remote import Remote

FILES = 6
LONGEST = 0.04
"""Seconds that a writer lives at most: enough for some records, so that kills fall anywhere."""

_AHEAD = 5
_ROUND = 25
"""Kills over one store; every check reads all of it."""

_FORK = multiprocessing.get_context("fork")


def key_of(number: int) -> Key:
    """The place of a record."""
    name = hashlib.sha256(str(number).encode()).hexdigest()
    return Key(label=f"killed-{number}", recipe=name, environment="e" * 64)


def make(folder: Path, number: int) -> None:
    """Write a record: as with real ones, no two makers write the same."""
    maker = uuid.uuid4().hex
    record = {"number": number, "maker": maker, "files": FILES}
    (folder / "arrays").mkdir()
    for index in range(FILES):
        (folder / "arrays" / f"{index}.npy").write_bytes(content(number, maker, index))
    (folder / "record.json").write_text(json.dumps(record), encoding="ascii")


def content(number: int, maker: str, index: int) -> bytes:
    """What one file of a record holds: some ten thousand bytes that no zip makes shorter."""
    name = f"{number} {maker} {index}".encode()
    return hashlib.shake_256(name).digest(6_000 + 2_000 * index)


def read(folder: Path) -> int:
    """The number of a record that is whole, whatever its manifest says.

    Raises:
        ValueError: it is not.
    """
    record = json.loads((folder / "record.json").read_text(encoding="ascii"))
    for index in range(record["files"]):
        wanted = content(record["number"], record["maker"], index)
        if (folder / "arrays" / f"{index}.npy").read_bytes() != wanted:
            raise ValueError(f"file {index} is torn")
    return int(record["number"])


def write(root: Path, url: str | None, numbers: range, say: Callable[[str], None]) -> None:
    """Store what is missing of some records, and say what is stored and what is shared.

    What is found was stored by a process that may have been killed before it could share it.
    """
    store = Store(root, Remote(url) if url else None)
    for number in numbers:
        if store.get(key_of(number), read) is None:
            with store.staging(key_of(number)) as folder:
                make(folder, number)
            say(f"made {number}")
        else:
            say(f"found {number}")


@dataclass(slots=True)
class Writer:
    """A writer in a process of its own, and its reports."""

    process: BaseProcess
    pipe: int

    @classmethod
    def start(cls, target: Callable[..., None], *arguments: object) -> "Writer":
        """Start one; the target's last argument says a line."""
        receiving, sending = os.pipe()

        def run() -> None:
            target(*arguments, lambda line: os.write(sending, f"{line}\n".encode()))

        process = _FORK.Process(target=run)
        process.start()
        os.close(sending)
        return cls(process, receiving)

    def reports(self) -> tuple[set[int], set[int]]:
        """The records that it has made, and found, until it ended."""
        with os.fdopen(self.pipe, encoding="ascii") as file:
            events = [line.split() for line in file]
        self.process.join()
        made, kept = ({int(n) for kind, n in events if kind == of} for of in ("made", "found"))
        return made, kept


@dataclass(slots=True)
class World:
    """Stores below a folder, what was reported of each, and what was hit.

    Attributes:
        folder: of everything.
        stores: how many.
        shared: whether they share a remote.
        promised: what was reported as stored, by store.
        given: what was reported as shared.
        hit: what kills fell into.
        faults: promises that were broken.
    """

    folder: Path
    stores: int = 1
    shared: bool = False
    promised: dict[int, set[int]] = field(default_factory=dict)
    given: set[int] = field(default_factory=set)
    hit: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    _seen: set[Path] = field(default_factory=set)

    @property
    def url(self) -> str | None:
        """The remote's address."""
        return f"file://{self.folder / 'remote'}" if self.shared else None

    def root(self, index: int) -> Path:
        """Where a writer's store is; writers may be more than stores."""
        return self.folder / f"store-{index % self.stores}"

    def kill(self, draw: np.random.Generator, writers: int) -> None:
        """Start writers, kill each at a random moment, and check."""
        alive, skipped = [], int(draw.integers(0, 4))
        for index in range(writers):
            known = self.promised.get(index % self.stores, set())
            first = next(number for number in itertools.count() if number not in known) + skipped
            numbers = range(first, first + 10**6)
            alive.append(Writer.start(write, self.root(index), self.url, numbers))
        for index in draw.permutation(writers):
            time.sleep(draw.uniform(0, LONGEST))
            alive[index].process.kill()
        for index, writer in enumerate(alive):
            made, kept = writer.reports()
            self.promised.setdefault(index % self.stores, set()).update(made, kept)
            self.given |= made
        hit = self._what_was_hit()
        hit["looking up, or between records"] = max(writers - hit.total(), 0)
        self.hit += hit
        self.check()

    def check(self) -> None:
        """Read everything that can be, and look for everything that was promised."""
        for index, promised in self.promised.items():
            store = Store(self.root(index))
            self._expect(f"store {index}", promised, functools.partial(_numbers, store))
        if self.shared:
            self._expect("the remote", self.given, self._fetched)

    def resume(self) -> None:
        """Store a few more than were begun: what is missing is made, nothing else."""
        for index in range(self.stores):
            there = {*_numbers(Store(self.root(index))), *self._fetched()}
            numbers = set(range(max(there, default=0) + _AHEAD))
            span = range(len(numbers))
            made, kept = Writer.start(write, self.root(index), self.url, span).reports()
            if made != numbers - there or made | kept != numbers:
                self.faults.append(f"resuming made {sorted(made)} beside {sorted(there)}")
            self.promised[index] = numbers
            self.hit["missing, then made"] += len(made)
            if self.url:
                Store(self.root(index), Remote(self.url)).share()
                self.given = numbers
        self.check()

    def _fetched(self) -> list[int]:
        """Numbers of the records that a new store gets from the remote."""
        if self.url is None:
            return []
        with TemporaryDirectory(dir=self.folder) as name:
            store = Store(Path(name), Remote(self.url))
            store.fetch()
            return _numbers(store)

    def _expect(self, where: str, promised: set[int], listed: Callable[[], list[int]]) -> None:
        """Note what is lost, and what is torn."""
        try:
            lost = promised - set(listed())
        except StoreError as error:
            self.faults.append(f"{where}: {error.text}")
        else:
            self.faults += [f"{where}: {number} is lost" for number in sorted(lost)]

    def _what_was_hit(self) -> Counter[str]:
        """What the last kills fell into, by what they left behind."""
        staged = self._new("store-*/staging/*")
        sealed = sum((path / "manifest.json").exists() for path in staged)
        shared = {path.parts[-4] for path in self.folder.glob("remote/records/*/*/*/*.zip")}
        stored = self._new("store-*/records/*/*/*") if self.shared else []
        unshared = sum(path.parts[-3] not in shared for path in stored)
        uploading = len(self._new("remote/incoming/*"))
        return Counter(
            {
                "writing files": len(staged) - sealed,
                "sealing or renaming": sealed,
                "uploading": uploading,
                "between renaming and uploading": max(unshared - uploading, 0),
            }
        )

    def _new(self, pattern: str) -> list[Path]:
        """Files and folders that no kill left before."""
        added = {*self.folder.glob(pattern)} - self._seen
        self._seen |= added
        return [*added]


def _numbers(store: Store) -> list[int]:
    """Numbers of all records of a store.

    Raises:
        StoreError: one is not whole.
    """
    numbers = []
    for path in store.sealed("records"):
        number = int(path.split("/")[1].split("-")[1])
        if store.get(key_of(number), read) != number:
            raise StoreError(f"{path} is another record")
        numbers.append(number)
    return numbers


SCENES: dict[str, tuple[int, int, bool]] = {
    "one writer": (1, 1, False),
    "two writers, one store": (2, 1, False),
    "one writer, a remote": (1, 1, True),
    "two writers, a store each, one remote": (2, 2, True),
}
"""Writers, stores, and whether they share a remote."""


def survive(folder: Path, scene: str, kills: int, draw: np.random.Generator) -> World:
    """Kill the writers of a scene so many times over one store, then resume."""
    writers, stores, shared = SCENES[scene]
    world = World(folder, stores=stores, shared=shared)
    for _ in range(0, kills, writers):
        world.kill(draw, writers)
    world.resume()
    return world


@contextlib.contextmanager
def torn() -> Iterator[None]:
    """Publish file by file instead of renaming: what the check must notice."""

    def copy(self: Path, target: Path) -> Path:
        shutil.copytree(self, target)
        return target

    with mock.patch.object(Path, "rename", copy):
        yield


def kills_until_noticed(folder: Path, draw: np.random.Generator, most: int = 500) -> int | None:
    """How many kills it takes until the check notices a store that is torn; None if it never."""
    world = World(folder)
    with torn():
        for count in range(1, most + 1):
            world.kill(draw, 1)
            if world.faults:
                return count
    return None


def fill(folder: Path, limit: int, *, disk: bool) -> World:
    """Write until the disk is full, or files are as long as they may be; then resume."""
    world = World(folder, shared=True)
    root, url = world.root(0), world.url
    filler = folder / "filler"
    if disk:
        filler.write_bytes(bytes(max(shutil.disk_usage(folder).free - limit, 0)))

    def target(say: Callable[[str], None]) -> None:
        if not disk:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        with contextlib.suppress(OSError, StoreError):
            write(root, url, range(1000), say)

    made, _ = Writer.start(target).reports()
    filler.unlink(missing_ok=True)
    world.promised[0] = world.given = made
    world.hit["stored before"] = len(made)
    left = [*folder.glob("store-*/staging/*"), *folder.glob("remote/incoming/*")]
    world.faults += [f"{path} is left behind" for path in left]
    world.check()
    world.resume()
    return world


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A disk of a few megabytes, where that is allowed."""
    mounted = _run("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder))
    try:
        yield mounted
    finally:
        if mounted:
            _run("umount", str(folder))


def _run(*command: str) -> bool:
    """Run a command: whether it succeeded."""
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def kill_all(kills: int, draw: np.random.Generator) -> int:
    """Kill the writers of every scene, and tell; how many promises were broken."""
    total, faults = 0, 0
    share = -(-kills // len(SCENES))
    for scene in SCENES:
        hit: Counter[str] = Counter()
        for start in range(0, share, _ROUND):
            with TemporaryDirectory() as name:
                world = survive(Path(name), scene, min(_ROUND, share - start), draw)
            hit += world.hit
            faults += _tell(world)
        made = hit.pop("missing, then made")
        total += hit.total()
        where = ", ".join(f"{what} {count}" for what, count in hit.most_common())
        sys.stdout.write(f"{scene}: {hit.total()} kills: {where}; {made} missing, then made\n")
        sys.stdout.flush()
    sys.stdout.write(f"{total} kills: {faults} promises broken\n")
    return faults


def fill_all(disks: int, draw: np.random.Generator) -> int:
    """Fill disks, each at another moment, and tell; how many promises were broken."""
    stored, faults = 0, 0
    with TemporaryDirectory() as name, small_disk(Path(name)) as disk:
        for number in range(disks):
            folder = Path(name, str(number))
            folder.mkdir()
            limit = int(draw.integers(0, 500_000 if disk else 62_000))
            world = fill(folder, limit, disk=disk)
            shutil.rmtree(folder)
            stored += world.hit["stored before"]
            faults += _tell(world)
    kind = "of its own" if disk else "told by a limit to the length of files"
    sys.stdout.write(
        f"{disks} full disks, {kind}: {stored} records stored before; {faults} promises broken\n"
    )
    return faults


def _tell(world: World) -> int:
    """Print a world's broken promises, and count them."""
    sys.stdout.write("".join(f"BROKEN {fault}\n" for fault in world.faults))
    return len(world.faults)


def main() -> None:
    """Kill, fill, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--disks", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw = np.random.default_rng(options.seed)
    faults = kill_all(options.kills, draw)
    with TemporaryDirectory() as name:
        noticed = kills_until_noticed(Path(name), draw)
    sys.stdout.write(f"published file by file instead: noticed after {noticed} kills\n")
    faults += fill_all(options.disks, draw)
    sys.exit(bool(faults) or noticed is None)


if __name__ == "__main__":
    main()

"""The store: immutable, sealed, safe for many processes, clear about what went wrong."""

import json
import multiprocessing
import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from harness.core.errors import StoreError
from harness.core.record import Record
from harness.judge.store.local import Key, Store
from tests.benchmarks import killed

KEY = Key(label="mrpc", recipe="a" * 64, environment="b" * 64)


@pytest.fixture
def stored(tmp_path: Path, small_record: Record) -> Store:
    """A store with one record."""
    store = Store(tmp_path / "store")
    with store.staging(KEY) as folder:
        small_record.write(folder)
    return store


def record_folder(store: Store) -> Path:
    """Where the record lies."""
    return store.root / "records" / KEY.path


def test_a_record_comes_back(stored: Store, small_record: Record) -> None:
    """What is read is what was written, arrays included."""
    record = stored.get(KEY, Record.read)
    assert record is not None
    assert record.steps == small_record.steps
    assert record.batches == small_record.batches
    assert record.recipe == small_record.recipe
    assert dict(record.arrays).keys() == dict(small_record.arrays).keys()
    assert (record.arrays["final.predictions"] == small_record.arrays["final.predictions"]).all()


def test_an_unknown_key_has_no_record(stored: Store) -> None:
    """Another recipe, another environment or another attempt is another record."""
    assert stored.get(Key(label="mrpc", recipe="c" * 64, environment="b" * 64), Record.read) is None
    assert stored.get(Key(label="mrpc", recipe="a" * 64, environment="c" * 64), Record.read) is None


@pytest.mark.parametrize("name", ["record.json", "steps.jsonl", "arrays/final.labels.npy"])
def test_a_changed_file_is_corrupt(stored: Store, name: str) -> None:
    """Any changed byte is noticed; the record is set aside, and is there no more."""
    path = record_folder(stored) / name
    path.write_bytes(path.read_bytes() + b" ")
    assert stored.get(KEY, Record.read) is None
    (line,) = stored.set_aside
    assert re.match(rf"the record .* is corrupt \(.*{name} has changed\): .* kept as ", line)
    assert (Path(line.partition("kept as ")[2]) / name).is_file()
    assert not list(stored.sealed("records"))


@pytest.mark.parametrize("name", ["record.json", "manifest.json"])
def test_a_missing_file_is_corrupt(stored: Store, name: str) -> None:
    """A record that lost a file is set aside, not a traceback."""
    (record_folder(stored) / name).unlink()
    assert stored.get(KEY, Record.read) is None
    assert len(stored.set_aside) == 1


def test_a_corrupt_record_that_cannot_be_set_aside_is_told(stored: Store) -> None:
    """Where it cannot be renamed, nothing is trained over it."""
    (record_folder(stored) / "record.json").unlink()
    (stored.root / "corrupt").write_text("in the way", encoding="ascii")
    with pytest.raises(StoreError, match="is corrupt"):
        stored.get(KEY, Record.read)
    assert record_folder(stored).is_dir()


def test_a_record_of_a_newer_harness_stays(stored: Store) -> None:
    """What this version cannot read is not corrupt: it is named, and left where it is."""
    (record_folder(stored) / "manifest.json").write_text('{"version": 2}', encoding="utf-8")
    with pytest.raises(StoreError, match="newer version"):
        stored.get(KEY, Record.read)
    assert record_folder(stored).is_dir()


def test_a_record_says_when_it_was_stored(stored: Store) -> None:
    """The manifest has the moment, in UTC and with seconds."""
    manifest = json.loads((record_folder(stored) / "manifest.json").read_text(encoding="utf-8"))
    passed = datetime.now(UTC) - datetime.fromisoformat(manifest["when"])
    assert timedelta(0) <= passed < timedelta(hours=1)
    assert manifest["when"].endswith("+00:00")


def test_a_record_of_an_older_harness_is_read(stored: Store) -> None:
    """Manifests used not to say when."""
    path = record_folder(stored) / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    del manifest["when"]
    path.write_text(json.dumps(manifest), encoding="utf-8")
    assert stored.get(KEY, Record.read) is not None


@pytest.mark.parametrize(
    "manifest",
    [
        '{"version": 1, "files": {"../../outside": "0"}}',
        '{"version": 1, "files": {"/outside": "0"}}',
        '{"version": 1, "files": []}',
        "[]",
    ],
)
def test_a_strange_manifest_is_corrupt(stored: Store, manifest: str) -> None:
    """A manifest of another make is no traceback, and leads nowhere outside."""
    (record_folder(stored) / "manifest.json").write_text(manifest, encoding="utf-8")
    assert stored.get(KEY, Record.read) is None
    assert len(stored.set_aside) == 1


def test_a_session_is_sealed_like_a_record(stored: Store) -> None:
    """It comes back as it was written; a changed one is noticed."""
    with stored.seal("sessions/2026-10-06/one") as folder:
        (folder / "session.json").write_text("{}", encoding="ascii")
    session = stored.open("sessions/2026-10-06/one")
    assert session is not None
    assert (session / "session.json").read_text(encoding="ascii") == "{}"
    assert stored.open("sessions/2026-10-06/two") is None
    (session / "session.json").write_text("{} ", encoding="ascii")
    with pytest.raises(
        StoreError, match=r"the session .* is corrupt\n.*changed\ndelete that folder"
    ):
        stored.open("sessions/2026-10-06/one")


def test_sealed_folders_are_listed_in_order(tmp_path: Path) -> None:
    """Each kind has its own; what lies beside, or is not deep enough, is none."""
    store = Store(tmp_path)
    assert list(store.sealed("records")) == []
    paths = ["sessions/2026-10-06/b", "sessions/2026-10-05/c", "sessions/2026-10-06/a"]
    for path in paths:
        with store.seal(path):
            pass
    (tmp_path / "sessions" / "beside").write_text("", encoding="ascii")
    assert list(store.sealed("sessions")) == sorted(paths)
    with store.staging(KEY):
        pass
    assert list(store.sealed("records")) == [f"records/{KEY.path}"]


def test_others_may_read_what_is_stored(tmp_path: Path) -> None:
    """A record's folder has the permissions of any folder that its user makes."""
    with Store(tmp_path / "store").staging(KEY):
        pass
    (tmp_path / "beside").mkdir()
    place = tmp_path / "store" / "records" / KEY.path
    assert place.stat().st_mode == (tmp_path / "beside").stat().st_mode


def test_what_killed_processes_leave_is_removed(tmp_path: Path) -> None:
    """A day later, when the next record is written; what others are writing stays."""
    left, fresh = tmp_path / "staging" / "left", tmp_path / "staging" / "fresh"
    for folder in (left, fresh):
        folder.mkdir(parents=True)
        (folder / "half").write_text("half", encoding="ascii")
    file = tmp_path / "staging" / "file"
    file.write_text("half", encoding="ascii")
    for path in (left, file):
        os.utime(path, (0, time.time() - 25 * 60 * 60))
    with Store(tmp_path).staging(KEY):
        pass
    assert [path.name for path in (tmp_path / "staging").iterdir()] == ["fresh"]


def test_the_version_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ends before it has written its version leaves a store that opens."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StoreError, match="cannot be written"), Store(tmp_path).staging(KEY):
        pass
    assert not (tmp_path / "VERSION").exists()
    assert Store(tmp_path).get(KEY, Record.read) is None


def test_a_newer_store_is_refused(stored: Store) -> None:
    """A store of a newer version is left alone."""
    (stored.root / "VERSION").write_text("999\n", encoding="ascii")
    with pytest.raises(StoreError, match=r"is of version 999\n.*knows version 1\nupgrade"):
        Store(stored.root)


def test_a_failed_block_leaves_nothing(tmp_path: Path) -> None:
    """An interrupted write leaves neither a record nor a staged folder."""
    store = Store(tmp_path)

    def interrupted() -> None:
        with store.staging(KEY) as folder:
            (folder / "half").write_text("half", encoding="ascii")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert list((tmp_path / "staging").iterdir()) == []
    assert not (tmp_path / "records").exists()


def test_losing_the_race_is_success(stored: Store, small_record: Record) -> None:
    """A second writer of the same key changes nothing and fails at nothing."""
    before = (record_folder(stored) / "manifest.json").stat().st_ino
    with stored.staging(KEY) as folder:
        small_record.write(folder)
    assert (record_folder(stored) / "manifest.json").stat().st_ino == before


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ENOSPC becomes a message with the reason and what to do, and leaves nothing behind."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    store = Store(tmp_path)
    monkeypatch.setattr(Path, "rename", full)
    with (
        pytest.raises(StoreError, match=r"cannot be written\nNo space left on device\nfree or"),
        store.staging(KEY) as folder,
    ):
        (folder / "record.json").write_text("{}", encoding="ascii")
    assert list((tmp_path / "staging").iterdir()) == []


def test_an_unwritable_place_is_told(tmp_path: Path) -> None:
    """A store that cannot be made says which path and why."""
    (tmp_path / "file").write_text("", encoding="ascii")
    with (
        pytest.raises(StoreError, match="cannot be written"),
        Store(tmp_path / "file" / "store").staging(KEY),
    ):
        pass


def _publish(root: Path, ready: Callable[[], None]) -> None:
    """Write the same record at the same time as others."""
    store = Store(root)
    ready()
    with store.staging(KEY) as folder:
        (folder / "record.json").write_text("{}", encoding="ascii")


def _train_once(root: Path, ready: Callable[[], None], log: Path) -> None:
    """Make the record under its lock, unless another process has."""
    store = Store(root)
    ready()
    with store.lock(KEY):
        if not (root / "records" / KEY.path).is_dir():
            with log.open("a", encoding="ascii") as file:
                file.write(f"{os.getpid()}\n")
            with store.staging(KEY) as folder:
                (folder / "record.json").write_text("{}", encoding="ascii")


def _together(target: Callable[..., None], *arguments: object) -> list[int | None]:
    """Run a function in six processes that start at once; their exit codes."""
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(6)
    processes = [
        context.Process(target=target, args=(arguments[0], barrier.wait, *arguments[1:]))
        for _ in range(6)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    return [process.exitcode for process in processes]


def test_many_processes_may_write_at_once(tmp_path: Path) -> None:
    """All succeed, one record is there, and it is whole."""
    assert _together(_publish, tmp_path) == [0] * 6
    manifest = json.loads((tmp_path / "records" / KEY.path / "manifest.json").read_text())
    assert set(manifest["files"]) == {"record.json"}
    assert list((tmp_path / "staging").iterdir()) == []


def test_a_lock_lets_one_make_the_record(tmp_path: Path) -> None:
    """Of processes that want a record at once, one makes it."""
    log = tmp_path / "made"
    assert _together(_train_once, tmp_path / "store", log) == [0] * 6
    assert len(log.read_text(encoding="ascii").splitlines()) == 1


def test_answers_are_remembered(tmp_path: Path) -> None:
    """Answers of live children are kept by environment; a damaged file only loses its own."""
    store = Store(tmp_path)
    store.remember_answers("e" * 64, {"request": {"batch": 1}})
    store.remember_answers("e" * 64, {"other": 2})
    for index, garbage in enumerate(("{", "[]", "[1]", "3", "null", "[" * 100_000)):
        damaged = tmp_path / "collations" / ("e" * 12) / f"damaged{index}.json"
        damaged.write_text(garbage, encoding="ascii")
    assert store.answers("e" * 64) == {"request": {"batch": 1}, "other": 2}
    assert store.answers("f" * 64) == {}


@pytest.mark.parametrize("scene", killed.SCENES)
def test_a_store_survives_kills(tmp_path: Path, scene: str) -> None:
    """Nothing reported is lost, nothing half is read, and only what is missing is made again."""
    world = killed.survive(tmp_path, scene, 4, np.random.default_rng(0))
    assert world.faults == []
    assert world.hit["missing, then made"] >= 4


def test_a_store_that_is_torn_would_be_noticed(tmp_path: Path) -> None:
    """Published file by file in place of a rename, the same kills find half records."""
    assert killed.kills_until_noticed(tmp_path, np.random.default_rng(0))


@pytest.mark.parametrize("limit", [0, 7_000, 12_000, 50_000])
def test_a_store_survives_a_full_disk(tmp_path: Path, limit: int) -> None:
    """Wherever writing fails, nothing half is left, and the next run makes what is missing."""
    assert killed.fill(tmp_path, limit, disk=False).faults == []

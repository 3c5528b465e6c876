"""The store: immutable, sealed, safe for many processes, clear about what went wrong."""

import json
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.record import Record
from harness.store import Key, Store

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
    found = stored.get(KEY, Record.read)
    assert found is not None
    assert found.steps == small_record.steps
    assert found.batches == small_record.batches
    assert found.recipe == small_record.recipe
    assert dict(found.arrays).keys() == dict(small_record.arrays).keys()
    assert (found.arrays["final.predictions"] == small_record.arrays["final.predictions"]).all()


def test_an_unknown_key_has_no_record(stored: Store) -> None:
    """Another recipe, another environment or another attempt is another record."""
    assert stored.get(Key(label="mrpc", recipe="c" * 64, environment="b" * 64), Record.read) is None
    assert stored.get(Key(label="mrpc", recipe="a" * 64, environment="c" * 64), Record.read) is None


@pytest.mark.parametrize("name", ["record.json", "steps.jsonl", "arrays/final.labels.npy"])
def test_a_changed_file_is_corrupt(stored: Store, name: str) -> None:
    """Any changed byte is noticed, and the message says what to delete."""
    path = record_folder(stored) / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(StoreError, match=r"is corrupt\n.*has changed\ndelete that folder"):
        stored.get(KEY, Record.read)


@pytest.mark.parametrize("name", ["record.json", "manifest.json"])
def test_a_missing_file_is_corrupt(stored: Store, name: str) -> None:
    """A record that lost a file is an error, not a traceback."""
    (record_folder(stored) / name).unlink()
    with pytest.raises(StoreError, match="is corrupt"):
        stored.get(KEY, Record.read)


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
        process.join()
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
    (tmp_path / "collations" / ("e" * 12) / "damaged.json").write_text("{", encoding="ascii")
    assert store.answers("e" * 64) == {"request": {"batch": 1}, "other": 2}
    assert store.answers("f" * 64) == {}

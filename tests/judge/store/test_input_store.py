"""The input store: what was made is kept while it is whole, known by its content, and pruned."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.core.errors import StoreError
from harness.judge.cli.__main__ import main
from harness.judge.store import contents, locks, pruning
from harness.judge.store.contents import DAY
from harness.judge.store.input_store import InputStore
from harness.judge.store.pruning import PruningRules

NAME = "data-tickets-0123456789ab/ffffffffffff"


def filling(text: str) -> Callable[[Path], object]:
    """What fills a folder with one file."""
    return lambda folder: (folder / "train.parquet").write_text(text, encoding="utf-8")


@pytest.fixture
def store(tmp_path: Path) -> InputStore:
    """A store of inputs."""
    return InputStore(tmp_path / "store")


def test_content_is_the_name(store: InputStore) -> None:
    """What is made twice is one folder; what is new is another, and the last used comes first."""
    first, second = store.add(NAME, filling("a")), store.add(NAME, filling("b"))
    assert store.add(NAME, filling("a")) == first
    assert sorted(store.variants(NAME)) == sorted([first, second])
    os.utime(first, (1, 1))
    assert [*store.variants(NAME)] == [second, first]
    assert [*store.variants("data-others/ffff")] == []


def test_damage_is_removed(store: InputStore) -> None:
    """A folder with a changed file is none."""
    folder = store.add(NAME, filling("a"))
    (folder / "train.parquet").write_text("b", encoding="utf-8")
    assert [*store.variants(NAME)] == []
    assert not folder.exists()


def test_failure_leaves_nothing(store: InputStore) -> None:
    """A block that raises leaves no folder, staged or made."""

    def fails(folder: Path) -> None:
        (folder / "half").touch()
        raise StoreError("no more")

    with pytest.raises(StoreError, match="no more"):
        store.add(NAME, fails)
    assert [path for path in store.root.rglob("*") if path.name in {"half", "inputs"}] == []
    assert list((store.root / "staging").iterdir()) == []


def test_old_inputs_are_pruned(store: InputStore) -> None:
    """What no session has used for long goes, unless one makes it anew now."""
    folder = store.add(NAME, filling("a"))
    store.add("model-x/any", filling("b"))
    aged = time.time() - 40 * DAY
    os.utime(folder.parent, (aged, aged))
    rules = PruningRules(older_than=30 * DAY)
    selection = pruning.select(contents.holdings(store.root), rules)
    (old,) = selection.removed
    assert old.path == f"inputs/{NAME}"
    assert [kept.path for part in selection.kept.values() for kept in part] == [
        "inputs/model-x/any"
    ]
    with locks.lock(store.root, old.lock):
        assert not pruning.remove(store.root, old)
    assert pruning.remove(store.root, old)
    assert not folder.exists()
    assert store.add(NAME, filling("a")).is_dir()


def test_use_keeps_inputs(store: InputStore) -> None:
    """What a session has looked up is in use."""
    folder = store.add(NAME, filling("a"))
    os.utime(folder.parent, (1, 1))
    assert [*store.variants(NAME)]
    assert time.time() - folder.parent.stat().st_mtime < DAY


def test_inputs_are_listed(
    store: InputStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`harness store` says how much they take."""
    store.add(NAME, filling("a" * 1_000_000))
    monkeypatch.chdir(store.root.parent)
    assert main(["store", "--store", str(store.root)]) == 0
    assert "inputs  1.0 MB" in capsys.readouterr().out
    shutil.rmtree(store.root)

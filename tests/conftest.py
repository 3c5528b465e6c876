"""What several test files share: one warm zygote, and the record of one small cell."""

import os
import uuid
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.core.recipe import Recipe
from harness.core.record import Record
from harness.judge import catalog
from harness.judge.cell import Cell
from harness.judge.runs.runner import Runner
from harness.judge.settings import Settings

SMALL: dict[str, Any] = {
    "dataset": "glue/mrpc",
    "max_length": 128,
    "max_train_samples": 100,
    "max_eval_samples": 60,
    "max_holdout_samples": 20,
    "num_train_epochs": 2,
    "eval_strategy": "epoch",
    "save_strategy": "epoch",
    "load_best_model_at_end": True,
}
"""A recipe that trains in about a second, and has every feature that a record can show."""


def pytest_configure() -> None:
    """Have Python keep what it compiles: each of the many sessions that tests start needs it."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a workflow run what takes longer than a change may wait for."""
    parser.addoption(
        "--exhaustive", action="store_true", help="run the tests that are marked exhaustive, too"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave them out otherwise."""
    if config.getoption("--exhaustive"):
        return
    left_out = [item for item in items if item.get_closest_marker("exhaustive")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Leave no variable behind: libraries that a test or its module's fixtures import set some.

    They would make another environment for later tests.
    """
    before = set(os.environ)
    try:
        return (yield)
    finally:
        for name in os.environ.keys() - before:
            del os.environ[name]


@pytest.fixture(scope="session")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that all tests share, those in other processes of pytest-xdist, too.

    What is edited, counted or deleted by a test needs a store of its own.
    """
    folder = tmp_path_factory.getbasetemp()
    return (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "store"


@pytest.fixture(scope="session")
def runner(shared_store: Path) -> Iterator[Runner]:
    """A runner whose zygote imports the libraries once for all tests of a process."""
    settings = Settings(store=shared_store, timeout=120.0)
    shared = Runner(settings=settings, session=uuid.uuid4().hex)
    yield shared
    shared.close()


@pytest.fixture(scope="session")
def small_cell() -> Cell:
    """The small recipe at tiny scale."""
    recipe = Recipe(**SMALL)
    name = "bert-base-uncased-dynamic-trainer"
    return Cell.of(name=name, recipe=catalog.tiny(recipe), scale="tiny", device="cpu")


def changed(cell: Cell, **fields: Any) -> Cell:
    """A cell whose recipe has other values, also such as name something."""
    recipe = replace(cell.recipe, **fields)
    return Cell.of(name=cell.name, recipe=recipe, scale=cell.scale, device=cell.device)


@pytest.fixture(scope="session")
def small_record(runner: Runner, small_cell: Cell) -> Record:
    """The record of the small cell."""
    return runner.run(small_cell).record


SMALL_SUITE = f"""
from harness import Recipe, Suite, Thresholds

class TestSmall(Suite):
    recipe = Recipe(**{SMALL!r})
    thresholds = Thresholds(accuracy=0.0)
"""
"""A suite whose one tiny cell is the small cell, so that it finds the small record."""


@pytest.fixture
def door(pytester: pytest.Pytester, runner: Runner, small_record: Record) -> "Door":
    """Runs pytest as a user would, in a folder with the small suite and a store that has it."""
    assert small_record.steps
    pytester.makepyfile(test_small=SMALL_SUITE)
    return Door(pytester, runner.settings.store)


class Door:
    """The public door: `door("-k", "labels")` runs pytest in a process of its own."""

    def __init__(self, pytester: pytest.Pytester, store: Path) -> None:
        """Run in pytester's folder, with a store."""
        self.pytester = pytester
        self.store = store

    def __call__(self, *arguments: str) -> pytest.RunResult:
        """Run pytest."""
        return self.pytester.runpytest_subprocess(f"--harness-store={self.store}", *arguments)


@pytest.fixture
def fault(tmp_path: Path) -> "Fault":
    """Writes a Python file for a worker to run first."""
    return Fault(tmp_path)


class Fault:
    """Writes faults: `fault("import os; os.abort()")` is the path of such a file."""

    def __init__(self, folder: Path) -> None:
        """Write below a folder."""
        self.folder = folder

    def __call__(self, code: str) -> Path:
        """Write one."""
        path = self.folder / "fault.py"
        path.write_text(code, encoding="utf-8")
        return path

"""What several test files share: one warm zygote, and the record of one small cell."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import catalog
from harness.record import Record
from harness.runner import Runner
from harness.settings import Settings
from harness.spec import Cell, Recipe


@pytest.fixture(scope="session")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """A runner with a store of its own; its zygote imports the libraries once for all tests."""
    settings = Settings(store=tmp_path_factory.mktemp("store"), timeout=120.0)
    found = Runner(settings=settings, session="tests")
    yield found
    found.close()


@pytest.fixture(scope="session")
def small_cell() -> Cell:
    """A cell that trains in about a second, with every feature that a record can show."""
    recipe = Recipe(
        dataset="glue/mrpc",
        max_length=128,
        max_train_samples=100,
        max_eval_samples=60,
        max_holdout_samples=20,
        num_train_epochs=2,
        eval_strategy="epoch",
        save_strategy="epoch",
        load_best_model_at_end=True,
    )
    return Cell(name="small", recipe=catalog.tiny(recipe), scale="tiny", device="cpu")


@pytest.fixture(scope="session")
def small_record(runner: Runner, small_cell: Cell) -> Record:
    """The record of the small cell."""
    return runner.run(small_cell).record


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

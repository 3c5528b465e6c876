"""Two environments made by uv: the oldest supported libraries, and the newest.

Neither has pytest, rich or typer: the judged environment needs nothing of ours.
"""

import uuid
from collections.abc import Iterator

import pytest

from harness.record import Record
from harness.runner import Runner
from harness.settings import Settings
from harness.spec import Cell
from harness.suite import Suite, invariants
from tests import uv

pytestmark = pytest.mark.slow

OLDEST = (
    "evaluate",
    "transformers==4.57.6",
    "datasets==4.8.5",
    "accelerate==1.10.1",
    "huggingface_hub<1",
)
NEWEST = ("evaluate", "transformers>=5.20", "datasets>=5", "accelerate")
OURS = {"pytest", "_pytest", "hypothesis", "rich", "typer"}
NEEDS_MORE = {
    "test_spawned_tokenizing_agrees",
    "test_accuracy_reaches_threshold",
    "test_f1_reaches_threshold",
    "test_samples_per_second_reach_threshold",
    "test_accuracy_stays_below_ceiling",
}
"""Invariants that ask for more than a record, and are no question of versions."""


@pytest.fixture(scope="module", params=[OLDEST, NEWEST], ids=["oldest", "newest"])
def judged(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Runner]:
    """A runner that judges an environment of its own."""
    python = uv.environment(tmp_path_factory.mktemp("environment") / "venv", *request.param)
    store = tmp_path_factory.mktemp("store")
    runner = Runner(settings=Settings(python=python, store=store), session=uuid.uuid4().hex)
    yield runner
    runner.close()


@pytest.fixture(scope="module")
def record(judged: Runner, small_cell: Cell) -> Record:
    """The small cell's record in that environment."""
    return judged.run(small_cell).record


def test_nothing_of_ours_is_there(judged: Runner, record: Record) -> None:
    """The interpreter cannot import pytest and its like, and is judged all the same."""
    packages = judged.environment()["packages"]
    newest = packages["transformers"].startswith("5.")
    theirs = {"rich", "typer"} if newest else set()  # transformers 5 brings these itself
    assert OURS & set(packages) <= theirs
    assert record.environment["packages"] == packages


@pytest.mark.parametrize("name", sorted(invariants() - NEEDS_MORE))
def test_every_invariant_holds(record: Record, name: str) -> None:
    """One code base drives both: the same laws hold for the same cell."""
    getattr(Suite(), name)(record)


def test_spawned_tokenizing_agrees(judged: Runner, small_cell: Cell) -> None:
    """Spawned processes find our package and the tokenizer there too."""
    found = judged.compare_processes(small_cell)
    assert found["equal"]

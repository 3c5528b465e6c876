"""Two environments made by uv: the oldest supported libraries, and the newest of the pins.

Neither has pytest, rich or typer: the judged environment needs nothing of ours.
"""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.core.recipe import LOOPS
from harness.core.record import Record
from harness.judge.cell import Cell
from harness.judge.distance import MismatchError, judging
from harness.judge.runs.runner import Runner
from harness.judge.settings import Settings
from harness.judge.suite import evaluate, known_issues
from harness.judge.suite.base import Suite
from tests import uv
from tests.conftest import Fault, changed

pytestmark = pytest.mark.slow

OLDEST = (
    "evaluate",
    "transformers==4.57.6",
    "datasets==4.8.5",
    "accelerate==1.10.1",
    "huggingface_hub<1",
)
NEWEST = ("evaluate", *map(uv.pinned, ("transformers", "datasets", "accelerate")))
BETWEEN = ("evaluate", "transformers==5.5.4", *map(uv.pinned, ("datasets", "accelerate")))
OURS = {"pytest", "_pytest", "hypothesis", "rich", "typer"}
OF_RECORDS = sorted({*evaluate.of("run")} - {"test_accuracy_stays_below_ceiling"})
"""Invariants of records; so short a run may be luckier than the ceiling allows."""


@pytest.fixture(
    scope="module",
    params=[OLDEST, pytest.param(NEWEST, marks=pytest.mark.exhaustive)],
    ids=["oldest", "newest"],
)
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


@pytest.mark.parametrize("name", OF_RECORDS)
def test_every_invariant_holds(record: Record, name: str) -> None:
    """One code base drives both: the same invariants hold for the same cell."""
    result = evaluate.judge(name, record)
    assert result.outcome != "fails", result.message


@pytest.mark.parametrize(
    "loop",
    [pytest.param(x, marks=[pytest.mark.exhaustive] * (x != "trainer")) for x in LOOPS],
)
def test_every_relation_holds_or_is_known(judged: Runner, small_cell: Cell, loop: str) -> None:
    """Exactly the known issues of these versions fail, with exactly the figures that they name."""
    cell = changed(small_cell, loop=loop)
    versions = judged.environment()["packages"]
    trials = judged.trials(cell)
    known = {
        name: issue
        for issue in known_issues.load(known_issues.OURS)
        for name in issue.invariants
        if issue.applies(name, cell.recipe, versions) and issue.is_of(trials)
    }
    results = evaluate.judge_all("trials", trials)
    assert {name for name, result in results.items() if result.outcome == "fails"} == {*known}
    off: dict[str, set[str]] = {issue.what: set() for issue in known.values()}
    for name, issue in known.items():
        with pytest.raises(MismatchError) as caught, judging():
            getattr(Suite(), name)(trials)
        assert issue.explains(caught.value), caught.value
        off[issue.what] |= {*caught.value.distances}
    assert off == {issue.what: {*issue.figures} for issue in known.values()}


@pytest.mark.exhaustive
def test_norms_are_lost_between(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, small_cell: Cell, fault: Fault
) -> None:
    """In 5.5, neither the best model nor a resumed run has its checkpoint's LayerNorm weights."""
    python = uv.environment(tmp_path / "venv", *BETWEEN)
    settings = Settings(python=python, store=tmp_path_factory.mktemp("store"))
    runner = Runner(settings=settings, session=uuid.uuid4().hex)
    try:
        names = ("least is best", "greatest is best", "uninterrupted", "resumed")
        trials = runner.try_faulty(small_cell, fault(""), names)
        versions = runner.environment()["packages"]
    finally:
        runner.close()
    for name in ("test_best_is_best_either_way", "test_resumed_is_uninterrupted"):
        with pytest.raises(MismatchError) as caught, judging():
            getattr(Suite(), name)(trials)
        issues = [
            issue
            for issue in known_issues.load(known_issues.OURS)
            if issue.applies(name, small_cell.recipe, versions) and issue.is_of(trials)
        ]
        assert [issue.explains(caught.value) for issue in issues] == [True], caught.value


def test_spawned_tokenizing_agrees(judged: Runner, small_cell: Cell) -> None:
    """Spawned processes find our package and the tokenizer there too."""
    comparison = judged.compare_processes(small_cell)
    assert comparison["equal"]

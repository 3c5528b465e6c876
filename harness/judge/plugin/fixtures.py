"""Subjects: what the tests of a suite judge, as fixtures."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from harness.core.collation import DYNAMIC
from harness.core.errors import (
    HarnessError,
    InterpreterError,
    LimitError,
    MissingSourceError,
    NotStoredError,
    RunError,
    UnsupportedError,
)
from harness.core.recipe import Recipe
from harness.judge.cell import Cell, base_of, tokenized_of
from harness.judge.declarations import Thresholds
from harness.judge.metric_kinds import reported
from harness.judge.node_id import NodeId
from harness.judge.plugin.benchmark_groups import contests_of
from harness.judge.plugin.nightly_runs import nights_of
from harness.judge.plugin.notes import (
    KNOWN_ISSUE,
    LOST,
    NIGHT,
    NOISE,
    NOTES,
    PACE,
    REASON,
    ROW,
    SET_ASIDE,
    TRIED,
    Loss,
)
from harness.judge.plugin.state import (
    ITEM,
    OVERRIDES,
    REPORTED,
    SETTINGS,
    schedule_of,
    session_name,
)
from harness.judge.plugin.terminal import reporting_of
from harness.judge.runs import failures
from harness.judge.session_parts import CellRow
from harness.judge.tonight import Tonight

if TYPE_CHECKING:
    from harness.core.record import Record
    from harness.core.trainer_arguments import Effect
    from harness.core.trial import Trials
    from harness.judge.benchmark.ranking import Mode, Rank
    from harness.judge.invariants.speed import Replay
    from harness.judge.runs.result import Result

Answer = TypeVar("Answer")


def _ask(
    request: pytest.FixtureRequest, cell: Cell, question: Callable[[], Answer], *shared: Cell
) -> Answer:
    """The answer to a question of the runner; a skip or a failure without traceback if none.

    One test shows a loss; the others that it leaves nothing to judge are skipped and name that one.

    Args:
        request: of any test or fixture.
        cell: that the question is about.
        question: raises an error of the harness if there is no answer.
        shared: other cells that are lost with this one.
    """
    item = request.config.stash[ITEM]
    try:
        return question()
    except HarnessError as raised:
        error = raised
    finally:
        set_aside = schedule_of(request.config).runner.store.set_aside
        if set_aside:
            SET_ASIDE.add(item, tuple(set_aside))
            set_aside.clear()
    if isinstance(error, MissingSourceError | NotStoredError | UnsupportedError | LimitError):
        REASON.add(item, error.text)
        pytest.skip(error.text.splitlines()[0])
    of_one_cell = isinstance(error, RunError) and not isinstance(error, InterpreterError)
    causes = [f"{error.what} {lost!r}" for lost in (cell, *shared)] if of_one_cell else [error.what]
    first = failures.first_test(session_name(request.config), causes, item.nodeid)
    if LOST.read(dict(item.user_properties)) is None:  # a property-based test asks many times
        LOST.add(item, Loss.of(error, first))
    if first != item.nodeid:
        what = "its cell was lost" if of_one_cell else "nothing to judge"
        pytest.skip(f"{what}: see {NodeId.parse(first).name}")
    pytest.fail(error.text, pytrace=False)


@pytest.fixture
def run(request: pytest.FixtureRequest, cell: Cell) -> "Record":
    """The cell's record: from the store, or trained now."""
    schedule, reporting = schedule_of(request.config), reporting_of(request.config)

    def trained() -> "Result":
        nights_of(request.config).admit(request.cls, cell)
        return schedule.run(cell, reporting.progress)

    result = _ask(request, cell, trained)
    reported = request.config.stash.setdefault(REPORTED, set())
    if (request.cls, cell) not in reported:
        reported.add((request.cls, cell))
        row = _row(NodeId.parse(request.node.nodeid), cell, result)
        reporting.records[row.record] = result.record
        ROW.add(request.node, row)
        notes = [*result.notes]
        if result.record.tokenizer.get("pads_with_eos"):
            notes.append(f"{row.model}: its tokenizer pads with its end of sequence")
        NOTES.add(request.node, tuple(notes))
    _skip_if_overridden(request, result.record.overrides)
    return result.record


def _skip_if_overridden(
    request: pytest.FixtureRequest, overrides: "Mapping[str, tuple[Effect, ...]]"
) -> None:
    """Leave out an inherited test that rests on what a user's Trainer does in a way of its own."""
    from harness.judge.invariants.reliance import overridden
    from harness.judge.suite.base import Suite

    name = getattr(request.node, "originalname", "")
    reason = overridden(name, overrides) if hasattr(Suite, name) else ""
    if reason:
        pytest.skip(reason)


def _row(test: NodeId, cell: Cell, result: "Result") -> CellRow:
    """The row of the cell of a test."""
    record = result.record
    recipe, final = record.recipe, record.evaluation().metrics
    return CellRow(
        suite=test.suite,
        suite_id=test.suite_id,
        cell=cell.name,
        dataset=str(recipe.dataset),
        model=str(recipe.model),
        collation=recipe.collation,
        loop=recipe.loop,
        scale=record.scale,
        device=record.device,
        metrics={
            name: final[name] if math.isfinite(final[name]) else None for name in reported(final)
        },
        samples_per_second=record.samples_per_second,
        tokens_per_second=record.tokens_per_second,
        padding=record.padding,
        seconds=result.seconds,
        trained=result.trained,
        record=result.key.path,
        warnings=len(record.warnings),
    )


@pytest.fixture
def tonight(request: pytest.FixtureRequest, cell: Cell) -> Tonight:
    """The cell beside its baseline and its history; its runs are trained tonight."""
    schedule, show = schedule_of(request.config), reporting_of(request.config).progress
    nights = nights_of(request.config)
    judged = _ask(
        request, cell, lambda: nights.of(request, cell, lambda other: schedule.run(other, show))
    )
    NIGHT.add(request.node, judged)
    if judged.records:
        request.getfixturevalue("run")  # for its line in the session's table
    return judged


@pytest.fixture
def trials(request: pytest.FixtureRequest, cell: Cell) -> "Iterator[Trials]":
    """The cell's trials: from the store, or tried now."""
    from harness.judge import tolerances

    schedule = schedule_of(request.config)
    trials = _ask(request, cell, lambda: schedule.trials(cell), base_of(cell))
    TRIED.add(request.node, cell.name)
    _skip_if_overridden(request, trials.overrides)
    narrowed = trials.answers.narrowings
    if narrowed:
        note = (
            f"{trials.answers.model_type} computes in single precision inside "
            f"{', '.join(narrowed)}, whatever its weights are: what agrees to "
            f"{float(tolerances.DOUBLE):g} elsewhere is held to {float(tolerances.NARROWED):g}"
        )
        NOTES.add(request.node, (note,))
    with tolerances.measuring() as noise:
        yield trials
    if KNOWN_ISSUE.read(dict(request.node.user_properties)) is None:
        NOISE.add(request.node, noise)


@pytest.fixture
def declared(request: pytest.FixtureRequest, cell: Cell) -> Thresholds:
    """What the cell must reach."""
    from harness.judge.suite.base import effective_thresholds

    overrides = request.config.stash[OVERRIDES]
    thresholds = effective_thresholds(request.cls, cell, overrides)
    if thresholds is None:
        pytest.skip(
            f"the thresholds are for the declared recipe, and {', '.join(cell.changed)} changed; "
            "name others with --harness-set accuracy=0.7"
        )
    return thresholds


@pytest.fixture
def permitted(request: pytest.FixtureRequest) -> Thresholds:
    """What the cell's data may have at most."""
    from harness.judge.suite.base import permitted_shares

    return permitted_shares(request.cls, request.config.stash[OVERRIDES])


@pytest.fixture
def compare_processes(request: pytest.FixtureRequest) -> Callable[[Cell], Mapping[str, Any]]:
    """Tokenizes a cell's data in one process and in several spawned ones."""

    def compare(cell: Cell) -> Mapping[str, Any]:
        schedule = schedule_of(request.config)
        return _ask(request, cell, lambda: schedule.compare_processes(cell), tokenized_of(cell))

    return compare


@pytest.fixture
def unsound(request: pytest.FixtureRequest, cell: Cell) -> Callable[[], list[str]]:
    """Asks what the cell's collation computes otherwise than batches of one do."""

    def prove() -> list[str]:
        contests = contests_of(request.config)
        wrong = _ask(request, cell, lambda: contests.of(request, cell).unsound(cell.collation))
        TRIED.add(request.node, cell.name)
        return wrong

    return prove


@pytest.fixture
def replay(request: pytest.FixtureRequest) -> "Replay":
    """The clock by which pytest-benchmark sees what was measured; made before its own fixture."""
    from harness.judge.invariants.speed import Replay

    clock = Replay()
    request.node.add_marker(pytest.mark.benchmark(timer=clock.time), append=False)
    return clock


@pytest.fixture
def rank_of(request: pytest.FixtureRequest, cell: Cell) -> "Callable[[Mode], Rank]":
    """Asks how fast the cell's collation is beside the others of its benchmark."""
    if hasattr(request.config, "workerinput"):
        pytest.skip("pytest-xdist runs tests side by side: time without -n")
    if request.config.stash[SETTINGS].stored:
        pytest.skip("a collation is timed anew: the store has no speeds")
    benchmark = request.getfixturevalue("benchmark")

    def measure(mode: "Mode") -> "Rank":
        from harness.judge.benchmark.row import Pace

        schedule_of(request.config).settle()
        contests, strategy = contests_of(request.config), cell.collation
        rank = _ask(request, cell, lambda: contests.of(request, cell).rank(strategy, mode))
        threads = schedule_of(request.config).runner.threads(cell)
        pace = Pace.of(request.cls.__name__, contests.of(request, cell), rank, threads)
        PACE.add(request.node, pace)
        benchmark.group = pace.group
        benchmark.extra_info |= pace.as_json()
        return rank

    return measure


@pytest.fixture(scope="session")
def collate(
    request: pytest.FixtureRequest,
) -> Callable[[str, Mapping[str, Any]], Mapping[str, Any]]:
    """Asks a live child of the judged environment to collate for a model."""
    runner = schedule_of(request.config).runner

    def ask(model: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        recipe = Recipe(dataset="glue/mrpc", model=model, collation=options["collation"])
        cell = Cell.of(name=model, recipe=recipe, scale="tiny", device="cpu")
        alike = cell.collated(DYNAMIC)  # what is lost is lost for every collation
        return _ask(request, alike, lambda: runner.collate(cell, options))

    return ask

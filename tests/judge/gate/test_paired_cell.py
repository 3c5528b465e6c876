"""A match: what one cell's finding rests on, where no environment is needed to see it."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.core.errors import RunError
from harness.core.recipe import Recipe
from harness.core.record import Record
from harness.judge.cell import Cell
from harness.judge.finding import Status
from harness.judge.gate import compare, throughput
from harness.judge.gate.paired_cell import Match
from harness.judge.runs.result import Result
from harness.judge.runs.runner import Runner
from harness.judge.settings import Settings
from harness.judge.statistics import Ratio
from harness.judge.store.local import Key

LIKE = {"step": Ratio(mean=1.0, low=0.99, high=1.01)}
SLOW = {"step": Ratio(mean=1.05, low=1.04, high=1.06)}
SLOW_ELSEWHERE = LIKE | {"predict": Ratio(mean=1.05, low=1.04, high=1.06)}
NOISY = {"step": Ratio(mean=1.0, low=0.8, high=1.2)}


@pytest.fixture
def match(tmp_path: Path) -> Iterator[Match]:
    """A match of a cell against itself; nothing is started."""
    runner = Runner(settings=Settings(store=tmp_path), session="match")
    cell = Cell.of(name="x", recipe=Recipe(dataset="glue/mrpc"), scale="tiny", device="cpu")
    yield Match(
        base=runner, candidate=runner, cell=cell, name="T/x", margin=0.02, say=lambda _: None
    )
    runner.close()


@pytest.mark.parametrize(
    ("races", "standing"),
    [
        ([LIKE], "same"),
        ([SLOW, SLOW], "regressed"),
        ([SLOW, LIKE], "same"),
        ([SLOW, SLOW_ELSEWHERE], "same"),
        ([SLOW, NOISY], "inconclusive"),
        ([NOISY], "inconclusive"),
    ],
)
def test_a_slowdown_must_show_twice(
    match: Match,
    monkeypatch: pytest.MonkeyPatch,
    races: list[throughput.Ratios],
    standing: Status,
) -> None:
    """One slow race may be chance; a race too noisy to tell is no pass."""
    left, confirmed = iter(races), []

    def race(*_: object, confirm: bool = False) -> throughput.Ratios:
        confirmed.append(confirm)
        return next(left)

    monkeypatch.setattr(throughput, "race", race)
    assert match.race().standing == standing
    assert confirmed == [False, True][: len(races)]


def test_a_lost_race_is_no_pass(match: Match, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is lost is named, and its speed is not known."""

    def lose(*_: object) -> throughput.Ratios:
        raise RunError("the run crashed")

    monkeypatch.setattr(throughput, "race", lose)
    finding = match.race()
    assert (finding.standing, finding.message) == ("not measured", "the run crashed")


def test_predictions_of_nobody_are_not_paired(
    match: Match, small_record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where fewer were predicted than the model saw, no example has a prediction of its own."""
    fewer = small_record.arrays["final.predictions"][:-3]
    cut = replace(small_record, arrays={**small_record.arrays, "final.predictions": fewer})
    key = Key(label="x", recipe="", environment="", attempt="0")
    sides = iter([small_record, cut])
    monkeypatch.setattr(
        Runner,
        "run",
        lambda *_: Result(record=next(sides), trained=False, seconds=0.0, key=key),
    )
    assert match.pair().answers == {}


@pytest.mark.parametrize("value", [0.123, math.nan, None])
def test_a_metric_that_moved_alone_is_seen(small_record: Record, value: float | None) -> None:
    """Runs that predict the same are not equal where a metric made something else of it."""
    assert compare.bit_equal(small_record, small_record)
    final = small_record.evaluation()
    metrics = {n: v for n, v in final.metrics.items() if n != "f1" or value is not None}
    moved = replace(final, metrics=metrics if value is None else {**metrics, "f1": value})
    others = (moved if one is final else one for one in small_record.evaluations)
    other = replace(small_record, evaluations=tuple(others))
    assert not compare.bit_equal(small_record, other)
    assert not compare.bit_equal(other, small_record)


@pytest.mark.parametrize(
    ("metric", "apart", "standing"),
    [
        ("matthews_correlation", 0.0, "same"),
        ("matthews_correlation", 0.1, "same"),
        ("matthews_correlation", -0.1, "regressed"),
        ("matthews_correlation", math.nan, "regressed"),
        ("perplexity", 0.1, "regressed"),
        ("perplexity", -0.1, "same"),
    ],
)
def test_every_compared_metric_is_judged(
    match: Match, small_record: Record, metric: str, apart: float, standing: Status
) -> None:
    """One without a value of each example is judged run by run; its name says what is better."""
    final, key = small_record.evaluation(), Key(label="x", recipe="", environment="", attempt="0")
    bases = itertools.count()
    other = Runner(settings=match.base.settings, session="candidate")

    def run(runner: Runner, _: Cell) -> Result:
        value = 0.6 + (apart if runner is other else next(bases) / 1000)
        changed = replace(final, metrics={**final.metrics, metric: value})
        evaluations = tuple(changed if one is final else one for one in small_record.evaluations)
        return Result(
            record=replace(
                small_record, evaluations=evaluations, compared_metrics=("accuracy", metric)
            ),
            trained=False,
            seconds=0.0,
            key=key,
        )

    mrpc = replace(match.cell.dataset, compared=("accuracy", metric))
    compared = replace(match, candidate=other, cell=replace(match.cell, dataset=mrpc))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Runner, "run", run)
        patch.setattr(Runner, "trials", lambda *_: None)
        patch.setattr(compare, "contracts", lambda *_: iter(()))
        patch.setattr(
            compare, "first_steps", lambda *_: compare.Parting(likeness="equal to rounding")
        )
        patch.setattr(compare, "bit_equal", lambda *_: False)
        findings = {f.name: f for f in compared.findings() if f.stage == "accuracy"}
    other.close()
    assert findings.keys() == {"accuracy", metric}
    assert (findings["accuracy"].standing, findings[metric].standing) == ("same", standing)
    assert "run by run" not in findings["accuracy"].message
    assert "run by run" in findings[metric].message or math.isnan(apart)

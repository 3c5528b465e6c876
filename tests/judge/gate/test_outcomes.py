"""Outcomes on both sides: known only if alike, and a lost run is neither a pass nor a failure."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.core.record import Record
from harness.judge import finding
from harness.judge.distance import MismatchError, alike, compare, judging
from harness.judge.finding import Finding, Status
from harness.judge.gate.outcomes import compare as compare_outcomes
from harness.judge.session_parts import Outcome
from harness.judge.suite.base import Suite

TEST = "suites/test_x.py::TestX::test_y[bert-dynamic-trainer]"


def off(**figures: float) -> tuple[dict[str, Any], ...]:
    """Figures as a session writes them that are these values where one is expected."""
    distances = []
    for name, value in figures.items():
        with pytest.raises(MismatchError) as caught:
            compare(name, [value], [1.0], 1e-12)
        distances.append(caught.value.distances[name].to_json())
    return tuple(distances)


def outcome(outcome: str, message: str = "", **more: Any) -> Outcome:
    """What a session says of a test."""
    return Outcome(outcome=outcome, message=message, **more)


def judged(base: Outcome, candidate: Outcome) -> Finding:
    """The finding about a test with these outcomes."""
    (result,) = compare_outcomes({TEST: base}, {TEST: candidate})
    assert result.cell == "TestX/bert-dynamic-trainer"
    assert result.test == TEST
    return result


PASSED = outcome("passed")


@pytest.mark.parametrize(
    ("base", "candidate", "standing", "message"),
    [
        ({"loss": 2.0}, {"loss": 2.0}, "known", "loss off by as much"),
        ({"loss": 2.0}, {"loss": 2.0 + 1e-9}, "known", "loss off by as much"),
        ({"loss": 2.0}, {"loss": 2.1}, "regressed", "loss, value 1: 2.1, .* in the base +0.5 off"),
        ({"loss": 2.0}, {"loss": 0.5}, "regressed", "in the base +0.5 off"),
        ({"loss": 2.0}, {"norm": 2.0}, "regressed", "norm, value 1: 2.0, .* in the base right"),
        ({"loss": 2.0}, {"loss": 2.0, "norm": 3.0}, "regressed", "^norm, .* in the base right$"),
        ({"loss": 2.0, "norm": 3.0}, {"loss": 2.0}, "changed", "right now: norm; still: "),
    ],
)
@pytest.mark.parametrize("kind", ["failed", "xfailed"])
def test_a_failure_is_known_only_if_its_figures_are(
    base: dict[str, float],
    candidate: dict[str, float],
    standing: Status,
    message: str,
    kind: str,
) -> None:
    """Another figure, or another size, is another fault, a known issue's or not."""
    result = judged(
        outcome(kind, "the issue", distances=off(**base)),
        outcome(kind, "the issue", distances=off(**candidate)),
    )
    assert result.standing == standing
    if standing != "known" or kind == "failed":
        assert re.search(message.replace("+", r"\+"), result.message)
    else:
        assert result.message == "the issue"


@pytest.mark.parametrize(
    ("base", "candidate", "same"),
    [
        ("step 3: 0.5 == 0.4 does not hold", "step 3: 0.5000001 == 0.4 does not hold", True),
        ("step 3: 0.5 == 0.4 does not hold", "step 4: 0.5 == 0.4 does not hold", False),
        ("7 rows are others", "7 rows are missing", False),
        ("float32 is not float64", "float32 is not float64", True),
        ("float32 is not float64", "float16 is not float64", False),
    ],
)
def test_without_figures_the_message_tells(base: str, candidate: str, *, same: bool) -> None:
    """Its text must be the same, and its numbers to rounding."""
    assert alike(base, candidate) is same
    result = judged(outcome("failed", base), outcome("failed", candidate))
    assert result.standing == ("known" if same else "regressed")


@pytest.mark.parametrize(
    ("base", "candidate", "standing"),
    [
        (PASSED, PASSED, "same"),
        (PASSED, outcome("xpassed"), "same"),
        (outcome("failed"), outcome("xpassed"), "fixed"),
        (PASSED, outcome("skipped", "no"), "not measured"),
        (PASSED, outcome("xfailed", "issue"), "regressed"),
        (outcome("skipped"), outcome("failed", "new"), "regressed"),
        (outcome("xfailed", "issue"), PASSED, "fixed"),
    ],
)
def test_one_side_alone(base: Outcome, candidate: Outcome, standing: Status) -> None:
    """A known issue counts as the failure that it is."""
    assert judged(base, candidate).standing == standing


def frozen(record: Record, *places: int) -> Record:
    """Some parameters are not trained."""
    parameters = [replace(p, trainable=i not in places) for i, p in enumerate(record.parameters)]
    return replace(record, parameters=tuple(parameters))


def renamed(record: Record, *names: str) -> Record:
    """Some parameters are in no checkpoint."""
    return replace(record, newly_initialized=(*record.newly_initialized, *names))


def unlogged(record: Record, *places: int) -> Record:
    """Some steps have no loss that is a number."""
    steps = [replace(s, loss=math.nan) if i in places else s for i, s in enumerate(record.steps)]
    return replace(record, steps=tuple(steps))


def wider(record: Record, by: int, *places: int) -> Record:
    """Some batches are wider than their collation makes them."""
    batches = []
    for place, batch in enumerate(record.batches):
        rows, width = batch.shapes["input_ids"]
        changed = {**batch.shapes, "input_ids": (rows, width + by * (place in places))}
        batches.append(replace(batch, shapes=changed))
    return replace(record, batches=tuple(batches))


def shorter(record: Record, by: int) -> Record:
    """Some steps are not taken."""
    return replace(record, steps=record.steps[:-by])


@pytest.mark.parametrize(
    ("invariant", "change", "base", "candidate"),
    [
        ("test_every_parameter_moved", frozen, (3,), (4,)),
        ("test_every_parameter_moved", frozen, (3,), (3, 4)),
        ("test_only_head_is_new", renamed, ("bert.a",), ("bert.b",)),
        ("test_losses_are_finite", unlogged, (2,), (3,)),
        ("test_losses_are_finite", unlogged, (2,), (2, 3)),
        ("test_width_follows_collation", wider, (1, 0), (2, 0)),
        ("test_width_follows_collation", wider, (1, 0), (1, 0, 1)),
        ("test_number_of_steps", shorter, (1,), (2,)),
    ],
)
def test_a_fault_that_spread_or_changed_is_another(
    small_record: Record,
    invariant: str,
    change: Callable[..., Record],
    base: tuple[Any, ...],
    candidate: tuple[Any, ...],
) -> None:
    """Each value of an invariant is judged: the first that is off does not hide the others."""

    def failed(record: Record) -> Outcome:
        with pytest.raises(MismatchError) as caught, judging():
            getattr(Suite(), invariant)(record)
        distances = [distance.to_json() for distance in caught.value.distances.values()]
        return outcome(
            "failed", str(caught.value), distances=tuple(json.loads(json.dumps(distances)))
        )

    ours, theirs = failed(change(small_record, *base)), failed(change(small_record, *candidate))
    assert judged(ours, ours).standing == "known"
    assert judged(ours, theirs).standing == "regressed"
    assert finding.verdict([judged(ours, theirs)]) == "regressed"


def many(**fields: Any) -> dict[str, Outcome]:
    """The same outcome of eighty tests of a cell."""
    return {TEST.replace("test_y", f"test_{index}"): outcome(**fields) for index in range(80)}


LOST = {"outcome": "skipped", "message": "its cell was lost", "lost": "the run crashed: Boom"}


@pytest.mark.parametrize(
    ("base", "candidate", "standing", "message"),
    [
        (LOST, {"outcome": "passed"}, "not measured", "lost in the base: the run crashed: Boom"),
        (LOST, {"outcome": "failed"}, "not measured", "lost in the base: the run crashed: Boom"),
        ({"outcome": "passed"}, LOST, "not measured", "lost in the candidate: the run crashed"),
        ({"outcome": "passed"}, LOST | {"crashed": True}, "regressed", "lost in the candidate: "),
        (LOST, LOST | {"crashed": True}, "not measured", "lost on both sides: the run crashed"),
    ],
)
def test_a_lost_run_is_one_finding(
    base: dict[str, Any], candidate: dict[str, Any], standing: Status, message: str
) -> None:
    """Eighty tests that had nothing to judge are neither fixed nor regressed: their run is lost."""
    (result,) = compare_outcomes(many(**base), many(**candidate))
    assert (result.name, result.standing) == ("lost", standing)
    assert result.message.startswith(message)
    assert finding.verdict([result]) == ("regressed" if standing == "regressed" else "not measured")

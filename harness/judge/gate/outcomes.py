"""Outcomes: what became of each test in two environments, and what that says of the second.

A test that fails on both sides is known only if it fails alike: the figures that it finds off are
the same, each by as much. A run that was lost is neither a pass nor a failure of its tests.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from harness.judge.distance import Distance, alike
from harness.judge.finding import Finding, Status
from harness.judge.node_id import NodeId
from harness.judge.session_parts import Outcome

Outcomes = Mapping[str, Outcome]
"""Of a session's tests, by node id."""

LOST = "lost"
"""Name of a finding about a cell that was lost on a side."""

_ABSENT = Outcome(outcome="absent", message="the test is not there")


def compare(before: Outcomes, after: Outcomes) -> Iterator[Finding]:
    """What became of each test on both sides; of what a cell lost, one finding."""
    losses: dict[tuple[str, str], Finding] = {}
    for test in sorted(before.keys() | after.keys()):
        base, candidate = before.get(test, _ABSENT), after.get(test, _ABSENT)
        if base.lost or candidate.lost:
            loss = _lost(test, base, candidate)
            known = losses.setdefault((loss.cell, loss.standing), loss)
            if loss.message not in known.message:
                more = replace(known, message=f"{known.message}; {loss.message}")
                losses[loss.cell, loss.standing] = more
            continue
        standing, message = _standing(base, candidate)
        if standing is None:
            continue
        finding = _finding(test, standing, message)
        issue = candidate.outcome == "xfailed"  # whose reason is the same for all its tests
        if standing == "known" and not issue:
            finding = replace(finding, message=f"{finding.name}: {message}")
        yield finding
    yield from losses.values()


def _finding(test: str, standing: Status, message: str, name: str = "") -> Finding:
    """A finding about a test, or about the cell that it judges."""
    parts = NodeId.parse(test)
    return Finding(
        stage="invariants",
        cell=parts.cell_name,
        name=name or parts.test,
        standing=standing,
        message=message,
        test=test,
    )


def _lost(test: str, base: Outcome, candidate: Outcome) -> Finding:
    """What it says that a test had nothing to judge on a side, or on both.

    Where judged code crashed in the candidate alone, that is a regression.
    """
    ours, theirs = base.lost, candidate.lost
    if ours and theirs:
        loss = f"lost on both sides: {theirs}"
    else:
        loss = f"lost in the base: {ours}" if ours else f"lost in the candidate: {theirs}"
    regressed = not ours and candidate.crashed
    return _finding(test, "regressed" if regressed else "not measured", loss, name=LOST)


def _standing(base: Outcome, candidate: Outcome) -> tuple[Status | None, str]:
    """What two outcomes of a test say, and the message for it; nothing if neither judged."""
    if base.violated and candidate.violated:
        return _beside(base, candidate)
    if base.violated:
        return "fixed", base.message
    if candidate.violated:
        return "regressed", candidate.message
    if not base.held:
        return None, ""
    if candidate.held:
        return "same", ""
    return "not measured", candidate.message


def _beside(base: Outcome, candidate: Outcome) -> tuple[Status, str]:
    """What it says that a test fails on both sides."""
    ours, theirs = _distances(base), _distances(candidate)
    if not theirs:
        if not ours and alike(base.message, candidate.message):
            return "known", candidate.message
        return "regressed", f"{candidate.message}; in the base {base.message}"
    others = [
        f"{distance.text}, in the base {_size(ours.get(figure))}"
        for figure, distance in theirs.items()
        if figure not in ours or not distance.like(ours[figure])
    ]
    if others:
        return "regressed", "; ".join(others)
    repaired = ", ".join(sorted(ours.keys() - theirs.keys()))
    if repaired:
        return "changed", f"right now: {repaired}; still: {candidate.message}"
    if candidate.outcome == "xfailed":
        return "known", candidate.message
    return "known", f"{', '.join(sorted(theirs))} off by as much"


def _distances(outcome: Outcome) -> dict[str, Distance]:
    """Figures that are off in a test, by name."""
    distances = [Distance.from_json(values) for values in outcome.distances]
    return {distance.figure: distance for distance in distances}


def _size(distance: Distance | None) -> str:
    """How far off a figure is, for a reader."""
    return "right" if distance is None else f"{distance.apart:+.2g} off"

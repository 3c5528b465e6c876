"""Findings: what differs between two environments, and whether that speaks against the second."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Stage = Literal[
    "contracts", "data", "invariants", "first steps", "training", "accuracy", "throughput"
]
Status = Literal[
    "same", "changed", "fixed", "known", "allowed", "regressed", "inconclusive", "not measured"
]
Verdict = Literal["pass", "regressed", "inconclusive", "not measured"]

STAGES: tuple[Stage, ...] = (
    "contracts",
    "data",
    "invariants",
    "first steps",
    "training",
    "accuracy",
    "throughput",
)
"""From sharp to blunt."""

AGAINST: frozenset[Status] = frozenset({"regressed", "inconclusive", "not measured"})
"""Standings that keep a candidate from passing, unless they are allowed."""

EXIT_CODES: Mapping[Verdict, int] = {
    "pass": 0,
    "regressed": 1,
    "inconclusive": 4,
    "not measured": 5,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was compared.

    Attributes:
        stage: of the comparison.
        cell: in which; empty where it is about all.
        name: of what was compared: an invariant, an argument, a metric.
        standing: `same`, `changed` without harm, `fixed`, `known` on both sides, `allowed` by
            the user, `regressed`, `inconclusive` or `not measured`.
        message: what a reviewer should read.
        figures: behind the message.
        test: the node id of an invariant's test, relative to the current folder; else empty.
    """

    stage: Stage
    cell: str
    name: str
    standing: Status
    message: str = ""
    figures: Mapping[str, float] = field(default_factory=dict, hash=False)
    test: str = ""

    @property
    def id(self) -> str:
        """How the command line names it."""
        return ":".join(
            part for part in (self.stage.replace(" ", "-"), self.cell, self.name) if part
        )


def verdict(findings: Iterable[Finding]) -> Verdict:
    """What findings come to: the worst of them, and never a pass if something was not measured.

    What fails on both sides proves nothing: it may be every test of every cell.
    """
    standings = {finding.standing for finding in findings if finding.stage != "contracts"}
    if "regressed" in standings:
        return "regressed"
    if not standings - {"inconclusive", "not measured", "known"}:
        return "not measured"
    return "inconclusive" if standings & {"inconclusive", "not measured"} else "pass"

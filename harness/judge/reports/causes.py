"""Causes: findings that one thing brings about, shown once; the worst first."""

from collections import Counter
from collections.abc import Iterable

from harness.judge.finding import STAGES, Finding, Stage, Status, verdict
from harness.judge.gate.bisect import Attribution
from harness.judge.gate.workflow import Comparison

SHOWN: tuple[Status, ...] = (
    "regressed",
    "inconclusive",
    "allowed",
    "not measured",
    "fixed",
    "changed",
)
"""What a reviewer reads, the worst first; what is the same is counted, what is known on both sides
has a list of its own."""

_MOST_CELLS = 3

Cause = tuple[Status, Stage, str, str]
"""Standing, stage, name and message of findings that one thing brings about."""


def grouped(findings: Iterable[Finding]) -> dict[Cause, list[str]]:
    """Cells by cause."""
    cells: dict[Cause, list[str]] = {}
    for finding in findings:
        cause: Cause = (finding.standing, finding.stage, finding.name, finding.message)
        cells.setdefault(cause, []).append(finding.cell)
    return cells


def shown(comparison: Comparison) -> list[tuple[Cause, list[str]]]:
    """The causes that a reviewer reads."""
    causes = grouped(comparison.findings)
    return [
        (cause, causes[cause]) for standing in SHOWN for cause in causes if cause[0] == standing
    ]


def known(comparison: Comparison) -> list[str]:
    """What fails alike on both sides, one line each, with how many tests show it."""
    counts: Counter[str] = Counter()
    for finding in comparison.findings:
        if finding.standing == "known":
            counts[finding.message] += 1
    return [f"{text} ({n} {'test' if n == 1 else 'tests'})" for text, n in counts.items()]


def blame(attribution: Attribution) -> str:
    """What an attribution names."""
    return "culprit" if attribution.culprits else "no culprit"


def regressions(attribution: Attribution) -> list[str]:
    """What culprits brought about, one line each with the cells that show it."""
    cells: dict[str, list[str]] = {}
    for finding in attribution.findings:
        cells.setdefault(f"{finding.stage}: {finding.name}", []).append(finding.cell)
    return [f"{name} in {some(names)}" for name, names in cells.items()]


def some(cells: list[str]) -> str:
    """The first few of some cells."""
    more = len(cells) - _MOST_CELLS
    return ", ".join(cells[:_MOST_CELLS]) + (f" and {more} more" if more > 0 else "")


def sums(comparison: Comparison) -> str:
    """How much was compared, in a line."""
    counts = dict.fromkeys(STAGES, 0)
    for finding in comparison.findings:
        counts[finding.stage] += 1
    shown = {stage: count for stage, count in counts.items() if count or stage != "data"}
    stages = ", ".join(f"{count} {stage}" for stage, count in shown.items())
    equal, cells = comparison.bit_equal
    return f"compared: {stages}; {equal} of {cells} cells trained bit-equal"


def headline(comparison: Comparison) -> str:
    """The verdict, and which core packages moved that nobody wanted moved."""
    moved = "; ".join(comparison.dragged)
    return verdict(comparison.findings) + (f" (dragged along: {moved})" if moved else "")

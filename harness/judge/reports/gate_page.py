"""A comparison as one self-contained page: no network, no script, light and dark, paper too."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from harness.judge.finding import Finding, verdict
from harness.judge.gate import throughput
from harness.judge.gate.paired_cell import Pair
from harness.judge.gate.workflow import Comparison
from harness.judge.node_id import NodeId
from harness.judge.reports import selection
from harness.judge.reports.causes import Cause, known, regressions, shown, sums
from harness.judge.reports.rerun import of_gate
from harness.judge.reports.svg import Curves, Interval, curves, intervals, render
from harness.judge.suite import explanations


@dataclass(frozen=True, kw_only=True, slots=True)
class GateCause:
    """A cause, and how to see it again.

    Attributes:
        stage: of the comparison.
        name: of what was compared.
        message: for a reviewer.
        cells: that show it.
        command: that shows it again.
    """

    stage: str
    name: str
    message: str
    cells: list[str]
    command: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GateDrawing:
    """A cell's runs, drawn.

    Attributes:
        run: both runs.
        curves: their losses.
        figures: name, value in the base, value in the candidate.
        messages: what became of it after its first steps.
        command: that compares it again.
    """

    run: Pair
    curves: Curves
    figures: list[tuple[str, str, str]]
    messages: list[str]
    command: str


def page(comparison: Comparison) -> str:
    """The page: verdict, causes, cells, environments."""
    causes = [(cause[0], _cause(comparison, cause, cells)) for cause, cells in shown(comparison)]
    races = [f for f in comparison.findings if f.stage == "throughput"]
    return render(
        "gate.html.jinja",
        title="Gate",
        comparison=comparison,
        verdict=verdict(comparison.findings),
        sums=sums(comparison),
        known=known(comparison),
        explanations=explanations.load(),
        attributions=[(a, regressions(a)) for a in comparison.attributions],
        standings=[
            (standing, [cause for _, cause in group])
            for standing, group in groupby(causes, lambda pair: pair[0])
        ],
        races=[(race, _intervals(race)) for race in races],
        cells=[_drawn(comparison, pair) for pair in comparison.pairs],
        environments=_differing(comparison.base, comparison.candidate),
    )


def _cause(comparison: Comparison, cause: Cause, cells: list[str]) -> GateCause:
    """A cause with the command that shows it again."""
    _, stage, name, message = cause
    if stage == "invariants":
        (test, *_) = (f.test for f in comparison.findings if (f.cell, f.name) == (cells[0], name))
        command = _pytest(comparison, test)
    else:
        command = _again(comparison, races=stage == "throughput")
    return GateCause(stage=stage, name=name, message=message, cells=cells, command=command)


def _pytest(comparison: Comparison, *selected: str) -> str:
    """The command that judges some tests of the candidate again."""
    python = f"--harness-python={comparison.candidate['executable']}"
    return shlex.join(["pytest", *selected, python, *comparison.options])


def _again(comparison: Comparison, *, races: bool) -> str:
    """The command that compares both environments again."""
    pythons = [comparison.base["executable"], comparison.candidate["executable"]]
    sides = zip(("--base-python", "--candidate-python"), pythons, strict=True)
    suites = [part for suite in comparison.suites for part in ("--suites", suite)]
    only = [] if races else ["--correctness-only"]
    pair = [part for side in sides for part in side]
    options = [*of_gate(comparison.options), *comparison.allowing]
    return shlex.join(["harness", "gate", *pair, *suites, *only, *options])


def _drawn(comparison: Comparison, pair: Pair) -> GateDrawing:
    """Both loss curves on one scale, and the figures below them."""
    judged = [f for f in comparison.findings if f.cell == pair.cell and f.stage != "invariants"]
    tests = [f.test for f in comparison.findings if f.cell == pair.cell and f.test]
    suites = [NodeId.parse(test).suite_id for test in tests]
    selected = (
        selection.of_cell(suites[0], pair.cell.partition("/")[2]) if suites else comparison.suites
    )
    return GateDrawing(
        run=pair,
        curves=curves({"base": pair.base, "candidate": pair.candidate}),
        figures=[
            (name, f"{before:.4f}", f"{after:.4f}")
            for name, (before, after) in pair.figures.items()
        ],
        messages=[f"{f.stage}: {f.message}" for f in judged if f.stage != "throughput"],
        command=_pytest(comparison, *selected),
    )


def _intervals(race: Finding) -> list[Interval]:
    """A race's ratios with their intervals; none if it was lost."""
    figures = race.figures
    costs = [cost for cost in (*throughput.JUDGED, *throughput.WITHIN) if f"{cost} mean" in figures]
    return intervals(
        {c: (figures[f"{c} mean"], figures[f"{c} low"], figures[f"{c} high"]) for c in costs}
    )


def _differing(base: Mapping[str, Any], candidate: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Parts of the environments' descriptions that differ or name them, packages aside."""
    names = [name for name in base if name not in {"packages", "files", "missing"}]
    return [
        (name, str(base[name]), str(candidate.get(name)))
        for name in names
        if name in {"executable", "python"} or base[name] != candidate.get(name)
    ]

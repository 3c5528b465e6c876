"""What a session measured: one row a cell, gathered from the test reports.

Rows travel as JSON in a test report's properties, so that they arrive from the processes of
pytest-xdist as well.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from harness.judge.cell import Cell
from harness.judge.nightly.night import Tonight

if TYPE_CHECKING:
    from harness.judge.benchmark.row import Pace
    from harness.judge.runs.result import Result


FAILED = frozenset({"failed", "error", "xpassed"})
"""Outcomes of a test that speak against what it judges."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CellRow:
    """One cell's line.

    Attributes:
        suite: the suite's class.
        cell: the id between the brackets.
        dataset: of the recipe.
        model: of the recipe.
        collation: of the recipe.
        loop: of the recipe.
        scale: `tiny` or `full`.
        device: `cpu` or `cuda`.
        metrics: of the final evaluation.
        samples_per_second: training examples a second of the steps' own time.
        tokens_per_second: real tokens, likewise.
        padding: share of padding among the training batches' tokens.
        seconds: wall time that getting the record took.
        trained: False if the record came from the store.
        record: its place in the store.
        warnings: how many distinct ones the run raised.
    """

    suite: str
    cell: str
    dataset: str
    model: str
    collation: str
    loop: str
    scale: str
    device: str
    metrics: Mapping[str, float]
    samples_per_second: float
    tokens_per_second: float
    padding: float
    seconds: float
    trained: bool
    record: str
    warnings: int

    @classmethod
    def of(cls, suite: str, cell: Cell, result: "Result") -> Self:
        """The row of a cell's result."""
        record = result.record
        recipe, final = record.recipe, record.evaluation().metrics
        return cls(
            suite=suite,
            cell=cell.name,
            dataset=recipe.dataset,
            model=recipe.model,
            collation=recipe.collation,
            loop=recipe.loop,
            scale=record.scale,
            device=record.device,
            metrics={name: final[name] for name in ("accuracy", "f1") if name in final},
            samples_per_second=record.samples_per_second,
            tokens_per_second=record.tokens_per_second,
            padding=record.padding,
            seconds=result.seconds,
            trained=result.trained,
            record=result.key.path,
            warnings=len(record.warnings),
        )

    def to_property(self) -> str:
        """The row as a test report's property."""
        return json.dumps(asdict(self))

    @classmethod
    def from_property(cls, text: str) -> Self:
        """The row that `to_property` wrote."""
        return cls(**json.loads(text))


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of a test.

    Attributes:
        outcome: `passed`, `failed`, `error`, `skipped`, `xfailed` or `xpassed`.
        message: why it did not pass, in a line.
        expected: what it holds, where it failed.
        lost: why what it judges could not be had; empty if it could.
        crashed: whether judged code crashed, so that it was lost.
        distances: figures that it finds off, as JSON; see `harness.judge.distance`.
    """

    outcome: str
    message: str = ""
    expected: str = ""
    lost: str = ""
    crashed: bool = False
    distances: Sequence[Mapping[str, Any]] = ()


@dataclass(slots=True)
class Measured:
    """Everything that a session's reports said.

    Attributes:
        rows: by suite and cell.
        outcomes: how many tests of a suite passed, failed, …
        tests: what became of each, by its id.
        set_aside: corrupt records that were made anew.
        losses: errors that left tests nothing to judge, in full, by the test that shows it.
        reasons: why cells were not measured, and which.
        tried: how many tests judged trials, or whether a collation is sound.
        paces: of collations that were timed, by the test that did.
        deviations: known issues that tests show, and how many.
        fixed: known issues that tests no longer show, and how many.
        nights: what tonight says of cells, by suite and cell.
        noise: how far apart trials were that must agree, the largest of every band.
    """

    rows: dict[tuple[str, str], CellRow] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    tests: dict[str, Outcome] = field(default_factory=dict)
    set_aside: list[str] = field(default_factory=list)
    losses: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, set[str]] = field(default_factory=dict)
    tried: int = 0
    paces: "dict[str, Pace]" = field(default_factory=dict)
    deviations: Counter[str] = field(default_factory=Counter)
    fixed: Counter[str] = field(default_factory=Counter)
    nights: dict[str, Tonight] = field(default_factory=dict)
    noise: dict[str, float] = field(default_factory=dict)

    def add(self, row: CellRow) -> None:
        """Keep a row; of two processes that tell of a cell, the one that trained it is right."""
        known = self.rows.get((row.suite, row.cell))
        if known is None or row.trained:
            self.rows[row.suite, row.cell] = row

    def hear(self, noise: Mapping[str, float]) -> None:
        """Keep the larger of what is known and what a test saw, band by band."""
        for name, distance in noise.items():
            self.noise[name] = max(distance, self.noise.get(name, 0.0))

    def hear_issues(self, shown: object, fixed: object) -> None:
        """Count a test among those that show a known issue, or show it no more; None is none."""
        self.deviations.update(str(issue) for issue in [shown] if issue)
        self.fixed.update(str(issue) for issue in [fixed] if issue)

    def as_json(self, environment: Mapping[str, Any]) -> dict[str, Any]:
        """The session for programs."""
        return {
            "version": 1,
            "cells": [asdict(row) for row in self.rows.values()],
            "nights": [asdict(tonight) for tonight in self.nights.values()],
            "paces": [pace.as_json() for pace in self.paces.values()],
            "tests": dict(self.outcomes),
            "outcomes": {test: asdict(outcome) for test, outcome in self.tests.items()},
            "set_aside": list(self.set_aside),
            "not_measured": {reason: len(cells) for reason, cells in self.reasons.items()},
            "known_deviations": dict(self.deviations),
            "fixed_deviations": dict(self.fixed),
            "noise": dict(self.noise),
            "environment": dict(environment),
        }

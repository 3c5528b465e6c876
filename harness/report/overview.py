"""A session as one self-contained page: verdict, failures, every cell with its loss curve."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.record import Record
from harness.report import selection
from harness.report.drawing import Curves, curves, render
from harness.report.session import FAILED, Measured, Row


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A test that speaks against the environment, and how to see it again."""

    test: str
    message: str
    command: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """A cell's run, drawn.

    Attributes:
        row: of the session's table.
        curves: its loss.
        figures: by name.
        warnings: raised during the run.
        command: that judges it again.
    """

    row: Row
    curves: Curves
    figures: list[tuple[str, str]]
    warnings: tuple[str, ...]
    command: str


def overview(
    measured: Measured,
    records: Mapping[tuple[str, str], Record],
    environment: Mapping[str, Any],
    sums: str,
) -> str:
    """The page.

    Args:
        measured: what the session's reports said.
        records: of its cells, by suite and cell.
        environment: that was judged; empty if none was.
        sums: the session in a line.
    """
    files = {(suite, cell): path for path, suite, cell in map(_parts, measured.tests)}
    return render(
        "session.html.jinja",
        title="Session",
        verdict=_verdict(measured),
        sums=sums,
        failures=[
            Failure(test=test, message=message, command=shlex.join(["pytest", test]))
            for test, (outcome, message) in measured.tests.items()
            if outcome in FAILED
        ],
        deviations=measured.deviations,
        fixed=measured.fixed,
        reasons=measured.reasons,
        cells=[
            _drawn(row, record, files.get(name, ""))
            for name, row in measured.rows.items()
            if (record := records.get(name)) is not None
        ],
        environment=environment,
    )


def _verdict(measured: Measured) -> str:
    """Passed, failed or not measured."""
    if FAILED & measured.outcomes.keys():
        return "failed"
    return "passed" if measured.rows or measured.tried else "not measured"


def _parts(test: str) -> tuple[str, str, str]:
    """The file, suite and cell of a test's id."""
    path, _, name = test.partition("::")
    suite, _, name = name.rpartition("::")
    return path, suite, name.partition("[")[2].removesuffix("]")


def _drawn(row: Row, record: Record, path: str) -> Drawn:
    """A cell's loss curve, and the figures below it."""
    final = record.evaluation().metrics
    figures = {name: f"{final[name]:.4f}" for name in ("accuracy", "f1", "loss") if name in final}
    return Drawn(
        row=row,
        curves=curves({"candidate": [step.loss for step in record.steps]}),
        figures=[
            *figures.items(),
            ("padding", f"{row.padding:.1%}"),
            ("samples/s", f"{row.samples_per_second:,.0f}"),
            ("real tokens/s", f"{row.tokens_per_second:,.0f}"),
            ("wall", f"{row.seconds:.1f} s, {'trained' if row.trained else 'from the store'}"),
        ],
        warnings=tuple(record.warnings),
        command=shlex.join(["pytest", *selection.of_cell(f"{path}::{row.suite}", row.cell)]),
    )

"""A session as one self-contained page: verdict, failures, every cell with its loss curve."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.core.record import Record
from harness.judge.reports import selection
from harness.judge.reports.broken import Broken, broken, subject
from harness.judge.reports.rerun import Command
from harness.judge.reports.session import FAILED, CellRow, Measured
from harness.judge.reports.svg import Curves, curves, render


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionDrawing:
    """A cell's run, drawn.

    Attributes:
        row: of the session's table.
        curves: its loss.
        figures: by name.
        warnings: raised during the run.
        command: that judges it again.
    """

    row: CellRow
    curves: Curves
    figures: list[tuple[str, str]]
    warnings: tuple[str, ...]
    command: str


def overview(
    measured: Measured,
    records: Mapping[tuple[str, str], Record],
    environment: Mapping[str, Any],
    command: Command,
    sums: str,
) -> str:
    """The page.

    Args:
        measured: what the session's reports said.
        records: of its cells, by suite and cell.
        environment: that was judged; empty if none was.
        command: that runs tests again.
        sums: the session in a line.
    """
    suites = {_parts(test): selection.suite_of(test) for test in measured.tests}
    causes: list[tuple[Broken, str]] = [
        (cause, command.of_tests([cause.first])) for cause in broken(measured)
    ]
    return render(
        "session.html.jinja",
        title="Session",
        verdict=_verdict(measured),
        sums=sums,
        causes=causes,
        subject=subject,
        deviations=measured.deviations,
        fixed=measured.fixed,
        reasons=measured.reasons,
        cells=[
            _drawn(row, record, command.of_cell(suites.get(name, ""), row.cell))
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


def _parts(test: str) -> tuple[str, str]:
    """The suite and cell of a test's id."""
    suite, _, name = test.rpartition("::")
    return suite.rpartition("::")[2], name.partition("[")[2].removesuffix("]")


def _drawn(row: CellRow, record: Record, command: str) -> SessionDrawing:
    """A cell's loss curve, and the figures below it."""
    final = record.evaluation().metrics
    figures = {name: f"{final[name]:.4f}" for name in ("accuracy", "f1", "loss") if name in final}
    return SessionDrawing(
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
        command=command,
    )

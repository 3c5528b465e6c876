"""A session as one self-contained page: verdict, failures, every cell with its loss curve."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.core.record import Record
from harness.judge.metric_kinds import reported
from harness.judge.reports.broken import Broken, broken, subject
from harness.judge.reports.rerun import Command
from harness.judge.reports.svg import Curves, curves, render
from harness.judge.session_parts import CellRow
from harness.judge.session_record import SessionRecord


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


def overview(session: SessionRecord, records: Mapping[str, Record], command: Command) -> str:
    """The page.

    Args:
        session: to draw.
        records: of its cells, by suite and cell.
        command: that runs tests again.
    """
    causes: list[tuple[Broken, str]] = [
        (cause, command.of_tests([cause.first])) for cause in broken(session)
    ]
    return render(
        "session.html.jinja",
        title="Session",
        verdict=_verdict(session),
        sums=session.verdict,
        causes=causes,
        subject=subject,
        notes=session.notes,
        known_issues=session.known_issues,
        fixed=session.fixed_issues,
        reasons=session.not_measured,
        cells=[
            _drawn(row, record, command.of_cell(row.suite_id, row.cell))
            for row in session.cells
            if (record := records.get(row.name)) is not None
        ],
        environment=session.environment,
    )


def _verdict(session: SessionRecord) -> str:
    """Passed, failed or not measured."""
    if session.failed:
        return "failed"
    return "passed" if session.measured else "not measured"


def _drawn(row: CellRow, record: Record, command: str) -> SessionDrawing:
    """A cell's loss curve, and the figures below it."""
    final = record.evaluation().metrics
    figures = {name: f"{final[name]:.4f}" for name in (*reported(final), "loss") if name in final}
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

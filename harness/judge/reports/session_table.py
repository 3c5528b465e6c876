"""The session's table: plain text for a terminal, Markdown for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.judge.reports import broken
from harness.judge.reports.rerun import Command
from harness.judge.session_parts import CellRow
from harness.judge.session_record import SessionRecord

COLUMNS = (
    "data set",
    "model",
    "collation",
    "metrics",
    "samples/s",
    "real tokens/s",
    "padding",
    "wall",
    "from",
)
_RIGHT = frozenset({"samples/s", "real tokens/s", "padding", "wall"})
_SHOWN_PACKAGES = ("torch", "transformers", "datasets", "evaluate", "accelerate", "tokenizers")


def cells(row: CellRow) -> tuple[str, ...]:
    """A row's texts, one a column."""
    collation = row.collation if row.loop == "trainer" else f"{row.collation}, {row.loop}"
    return (
        row.dataset if row.scale == "tiny" else f"{row.dataset} ({row.scale}, {row.device})",
        row.model,
        collation,
        "  ".join(f"{name} {figure(value, '.4f')}" for name, value in row.metrics.items()),
        f"{row.samples_per_second:,.0f}",
        f"{row.tokens_per_second:,.0f}",
        f"{row.padding:.1%}",
        f"{row.seconds:.1f} s",
        "trained" if row.trained else "store",
    )


def figure(value: float | None, form: str) -> str:
    """A number as text; one that is not finite is None in a session's record."""
    return "not finite" if value is None else format(value, form)


def lines(record: SessionRecord) -> list[str]:
    """The table for a terminal: a heading and one line a cell; empty without cells."""
    table = [COLUMNS, *(cells(row) for row in record.cells)]
    if len(table) == 1:
        return []
    widths = [max(len(line[column]) for line in table) for column in range(len(COLUMNS))]
    return ["  ".join(_aligned(line, widths)).rstrip() for line in table]


def _aligned(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Numbers to the right, texts to the left."""
    return [
        word.rjust(width) if column in _RIGHT else word.ljust(width)
        for column, word, width in zip(COLUMNS, line, widths, strict=True)
    ]


def noise_lines(record: SessionRecord) -> list[str]:
    """How far apart trials were that must agree, beside how far they may be."""
    from harness.judge import tolerances  # a session without trials has none

    return [
        f"noise {name}: {figure(distance, '.1e')} of {float(getattr(tolerances, name)):.0e}"
        for name, distance in sorted(record.noise.items())
    ]


def issue_lines(record: SessionRecord) -> list[str]:
    """Which known issues tests show, and which they show no more."""
    return [
        *(f"known issue ({n} tests): {summary}" for summary, n in record.known_issues.items()),
        *(
            f"fixed in the installed version ({n} tests): {reason}"
            for reason, n in record.fixed_issues.items()
        ),
    ]


def markdown(record: SessionRecord, command: Command) -> str:
    """The session for people: verdict, failures, table, what was not measured or was judged."""
    parts = [
        "# Fine-tuning session",
        "",
        f"**{record.verdict}**",
        "",
        *broken.markdown(record, command),
    ]
    if record.cells:
        parts += [_line(COLUMNS), _line(["--:" if c in _RIGHT else "---" for c in COLUMNS])]
        parts += [_line(cells(row)) for row in record.cells]
        parts.append("")
    parts += _section("Notes", record.notes)
    parts += _section("Set aside", record.set_aside)
    if record.not_measured:
        parts += ["## Not measured", ""]
        for reason, unmeasured in record.not_measured.items():
            first, *rest = reason.splitlines()
            parts += [
                f"- {first} ({len(unmeasured)} cells)",
                *(f"  {line.strip()}" for line in rest),
            ]
        parts.append("")
    if record.known_issues:
        parts += ["## Known issues", ""]
        for summary, count in record.known_issues.items():
            what, *advice = summary.splitlines()
            parts += [f"- {what} ({count} tests)", *(f"  {line}" for line in advice)]
        parts.append("")
    fixed = [f"{reason} ({count} tests)" for reason, count in record.fixed_issues.items()]
    parts += _section("Fixed in the installed version", fixed)
    parts += _section("Noise", noise_lines(record))
    if record.environment.get("packages"):
        parts += ["## Environment", "", versions(record.environment), ""]
    return "\n".join(parts)


def _section(title: str, items: Sequence[str]) -> list[str]:
    """A heading and a list below it; nothing without items."""
    return [f"## {title}", "", *(f"- {item}" for item in items), ""] if items else []


def versions(environment: Mapping[str, Any]) -> str:
    """Python and the packages that matter most, in a line."""
    packages = environment.get("packages", {})
    shown = [f"{name} {packages[name]}" for name in _SHOWN_PACKAGES if name in packages]
    return ", ".join([f"Python {environment.get('python', 'unknown')}", *shown])


def _line(texts: Sequence[str]) -> str:
    """One line of a Markdown table."""
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"

"""What changed: moves, drifts and regressions, those told together that came together."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harness.judge.metric_kinds import kind_of
from harness.judge.nightly.trend import Line, Trend
from harness.judge.reports.trend_panel import shown, titled

LATELY = 7
"""Nights whose mean a drift has come to."""


class Cause(NamedTuple):
    """What events have in common; in the order of fields, the greatest is told first.

    Attributes:
        found: the night that showed it.
        harmful: whether it speaks against that night.
        happened: the first night after it.
        kind: `regressed`, `drifted` or `improved`.
        words: what it is.
        when: it was.
        changes: of the environment, a line each.
    """

    found: str
    harmful: bool
    happened: str
    kind: str
    words: str
    when: str
    changes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class EventRow:
    """A figure that changed.

    Attributes:
        card: number of its cell.
        cell: whose it is.
        device: on which.
        figure: its name, for people; empty where only the baseline speaks.
        before: in its units.
        after: likewise.
        by: how much that is.
    """

    card: int
    cell: str
    device: str
    figure: str = ""
    before: str = ""
    after: str = ""
    by: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What came together.

    Attributes:
        cause: of all of it.
        rows: figures that changed.
        commands: that find out which change did it.
    """

    cause: Cause
    rows: list[EventRow]
    commands: list[str]


def events(trends: Sequence[Trend], nights: Sequence[str]) -> list[Event]:
    """Everything that changed, the newest first; on a night, harm first."""
    rows: dict[Cause, list[EventRow]] = defaultdict(list)
    commands: dict[Cause, dict[str, None]] = defaultdict(dict)
    for card, trend in enumerate(trends):
        for cause, row, command in (
            *_moves(card, trend),
            *_drifts(card, trend),
            *_regressions(card, trend, nights[-1]),
        ):
            rows[cause].append(row)
            if command:
                commands[cause][command] = None
    return [
        Event(cause=cause, rows=rows[cause], commands=[*commands[cause]])
        for cause in sorted(rows, reverse=True)
    ]


def _moves(card: int, trend: Trend) -> Iterator[tuple[Cause, EventRow, str]]:
    """Steps."""
    for line in trend.lines:
        for move in line.moves:
            happened, found = line.nights[move.at], line.nights[move.detection]
            later = "the same night" if found == happened else found
            cause = Cause(
                found=found,
                harmful=not move.better,
                happened=happened,
                kind="improved" if move.better else "regressed",
                words="moved for the better" if move.better else "moved for the worse",
                when=f"happened {happened}, found {later}",
                changes=move.changes,
            )
            yield cause, _row(card, trend, line, move.before, move.after), move.command


def _drifts(card: int, trend: Trend) -> Iterator[tuple[Cause, EventRow, str]]:
    """Figures that have left their anchors; what these were is what the first regime was."""
    for line in trend.lines:
        if not line.drifted:
            continue
        known = line.values[: line.nights.index(line.drifted) + 1]
        lately = known[-LATELY:]
        before = line.bands[0].mean if line.bands else line.values[0]
        cause = Cause(
            found=line.drifted,
            harmful=True,
            happened=line.nights[0],
            kind="drifted",
            words="left the anchor bit by bit",
            when=f"since the first night, {line.nights[0]}, found {line.drifted}",
            changes=(),
        )
        yield cause, _row(card, trend, line, before, sum(lately) / len(lately)), ""


def _regressions(card: int, trend: Trend, tonight: str) -> Iterator[tuple[Cause, EventRow, str]]:
    """What the baseline says of tonight, where no move of tonight says it."""
    moved = any(
        not move.better and line.nights[move.detection] == tonight
        for line in trend.lines
        for move in line.moves
    )
    if moved or trend.standings.get(tonight) != "regressed":
        return
    since = tonight
    for night in sorted(trend.standings, reverse=True):
        if trend.standings[night] != "regressed":
            break
        since = night
    cause = Cause(
        found=tonight,
        harmful=True,
        happened=since,
        kind="regressed",
        words="regressed against the baseline",
        when="tonight" if since == tonight else f"every night since {since}",
        changes=tuple(
            m.description for m in trend.marks if m.night == since and m.kind != "accepted"
        ),
    )
    rows = [
        _row(card, trend, line, line.bands[-1].mean, line.values[-1])
        for line in trend.lines
        if line.bands
        and line.nights[-1] == tonight
        and not line.bands[-1].low <= line.values[-1] <= line.bands[-1].high
    ]
    for row in rows or [EventRow(card=card, cell=trend.cell, device=trend.device)]:
        yield cause, row, ""


def _row(card: int, trend: Trend, line: Line, before: float, after: float) -> EventRow:
    """A figure's change, in its units."""
    if line.figure == "padding" or kind_of(line.figure).limits.most == 1:
        by = f"{100 * (after - before):+.1f} points"
    else:
        by = f"{after / before - 1:+.1%}" if before else ""
    return EventRow(
        card=card,
        cell=trend.cell,
        device=trend.device,
        figure=titled(line.figure),
        before=shown(line.figure, before),
        after=shown(line.figure, after),
        by=by,
    )

"""What changed: moves, drifts and regressions, grouped by what they have in common."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harness.judge.metric_kinds import kind_of
from harness.judge.nightly.trend import Line, Trend
from harness.judge.reports.trend_panel import shown, titled

LATELY = 7
"""Nights whose mean a drift has come to."""


class Occasion(NamedTuple):
    """What events have in common; in the order of fields, the greatest comes first.

    Attributes:
        shown: the night that showed it.
        harmful: whether it speaks against that night.
        happened: the first night after it.
        kind: `regressed`, `drifted` or `improved`.
        title: what it is.
        when: it was.
        changes: of the environment, a line each.
    """

    shown: str
    harmful: bool
    happened: str
    kind: str
    title: str
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
        occasion: of all of it.
        rows: figures that changed.
        commands: that find out which change did it.
    """

    occasion: Occasion
    rows: list[EventRow]
    commands: list[str]


def events(trends: Sequence[Trend], nights: Sequence[str]) -> list[Event]:
    """Everything that changed, the newest first; on a night, harm first."""
    rows: dict[Occasion, list[EventRow]] = defaultdict(list)
    commands: dict[Occasion, dict[str, None]] = defaultdict(dict)
    for card, trend in enumerate(trends):
        for occasion, row, command in (
            *_moves(card, trend),
            *_drifts(card, trend),
            *_regressions(card, trend, nights[-1]),
        ):
            rows[occasion].append(row)
            if command:
                commands[occasion][command] = None
    return [
        Event(occasion=occasion, rows=rows[occasion], commands=[*commands[occasion]])
        for occasion in sorted(rows, reverse=True)
    ]


def _moves(card: int, trend: Trend) -> Iterator[tuple[Occasion, EventRow, str]]:
    """Steps."""
    for line in trend.lines:
        for move in line.moves:
            happened, night = line.nights[move.at], line.nights[move.detection]
            later = "the same night" if night == happened else night
            occasion = Occasion(
                shown=night,
                harmful=not move.better,
                happened=happened,
                kind="improved" if move.better else "regressed",
                title="moved for the better" if move.better else "moved for the worse",
                when=f"happened {happened}, found {later}",
                changes=move.changes,
            )
            yield occasion, _row(card, trend, line, move.before, move.after), move.command


def _drifts(card: int, trend: Trend) -> Iterator[tuple[Occasion, EventRow, str]]:
    """Figures that have left their anchors; these were the mean of the first regime."""
    for line in trend.lines:
        if not line.drifted:
            continue
        known = line.values[: line.nights.index(line.drifted) + 1]
        lately = known[-LATELY:]
        before = line.bands[0].mean if line.bands else line.values[0]
        occasion = Occasion(
            shown=line.drifted,
            harmful=True,
            happened=line.nights[0],
            kind="drifted",
            title="left the anchor bit by bit",
            when=f"since the first night, {line.nights[0]}, found {line.drifted}",
            changes=(),
        )
        yield occasion, _row(card, trend, line, before, sum(lately) / len(lately)), ""


def _regressions(card: int, trend: Trend, tonight: str) -> Iterator[tuple[Occasion, EventRow, str]]:
    """Tonight's regression against the baseline, where no move of tonight shows it."""
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
    occasion = Occasion(
        shown=tonight,
        harmful=True,
        happened=since,
        kind="regressed",
        title="regressed against the baseline",
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
        yield occasion, row, ""


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

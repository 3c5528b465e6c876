"""The trend as one self-contained page: what changed, every cell night by night, every figure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from harness.judge.finding import Finding, Status, verdict
from harness.judge.nightly.trend import Trend
from harness.judge.reports import files
from harness.judge.reports.svg import render
from harness.judge.reports.trend_events import Event, events
from harness.judge.reports.trend_panel import (
    BOTTOM,
    RIGHT,
    TOP,
    Panel,
    described,
    drift,
    panel,
    place,
)

NIGHTS = 30
"""Nights before tonight that the matrix shows, and whose moves are not folded."""

LETTERS = {
    "regressed": "R",
    "drifted": "D",
    "inconclusive": "?",
    "not measured": "N",
    "no baseline": "O",
    "improved": "+",
    "fixed": "F",
    "changed": "C",
    "allowed": "A",
    "known": "K",
    "same": "·",
}
"""Signs in the squares of the matrix, the worst first."""

JUDGED: dict[str, Status] = {
    "": "not measured",
    "drifted": "regressed",
    "no baseline": "inconclusive",
    "improved": "fixed",
}
"""Standings that only a trend has, and those that a comparison has for them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Square:
    """A cell on a night.

    Attributes:
        night: ISO date.
        standing: the worst of its standings; empty if nothing was measured.
        why: it has that standing.
    """

    night: str
    standing: str
    why: str

    @property
    def letter(self) -> str:
        """Its sign, for whom colours mean nothing."""
        return LETTERS.get(self.standing, "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A cell, drawn.

    Attributes:
        number: among all.
        trend: what is drawn.
        squares: of the latest nights; the last is tonight.
        panels: its figures.
        marks: place, kind, night and text of what happened to it.
    """

    number: int
    trend: Trend
    squares: list[Square]
    panels: list[Panel]
    marks: list[tuple[int, str, str, str]]

    @property
    def rank(self) -> int:
        """How bad tonight is; among equals, how bad the latest nights were."""
        order = [*LETTERS, ""]
        bad = [len(order) - order.index(square.standing) for square in self.squares]
        return len(order) * bad[-1] + max(bad)

    @property
    def suspicion(self) -> float:
        """Of the figure that has most of it."""
        return max((line.suspicion for line in self.trend.lines), default=0.0)

    @property
    def moved(self) -> str:
        """The last night that showed a move or a drift; empty if none did."""
        moves = [line.nights[move.detection] for line in self.trend.lines for move in line.moves]
        return max([*moves, *(line.drifted for line in self.trend.lines)], default="")


def write(folder: Path, trends: Sequence[Trend], nights: Sequence[str]) -> list[Path]:
    """Write `trend.html`.

    Raises:
        StoreError: the folder cannot be written.
    """
    return files.write(folder, {"trend.html": page(trends, nights)})


def page(trends: Sequence[Trend], nights: Sequence[str]) -> str:
    """The page.

    Args:
        trends: of every cell.
        nights: ISO dates of the history, in order; the last is tonight.
    """
    latest = nights[-NIGHTS - 1 :]
    cards = [_card(number, trend, nights) for number, trend in enumerate(trends)] if nights else []
    changes = events(trends, nights) if nights else []
    standings = {square.standing for card in cards for square in card.squares}
    return render(
        "trend.html.jinja",
        title="Trend",
        verdict=verdict(map(_finding, cards)),
        sums=_sums(cards, nights),
        events=[(when, [*group]) for when, group in groupby(changes, lambda e: _when(e, latest))],
        nights=latest,
        months=[(month, len([*days])) for month, days in groupby(latest, lambda n: n[:7])],
        cards=sorted(cards, key=lambda card: (-card.rank, card.trend.cell, card.trend.device)),
        devices={card.trend.device for card in cards},
        letters=LETTERS,
        legend={name: sign for name, sign in LETTERS.items() if name in standings},
        grid=_grid(nights),
        size={"right": RIGHT, "top": TOP, "bottom": BOTTOM},
    )


def _card(number: int, trend: Trend, nights: Sequence[str]) -> Card:
    """A cell, drawn."""
    panels = [panel(line, nights) for line in trend.lines]
    return Card(
        number=number,
        trend=trend,
        squares=[_square(trend, night) for night in nights[-NIGHTS - 1 :]],
        panels=[drawn for drawn in panels if drawn is not None],
        marks=[(place(m.night, nights), m.kind, m.night, m.description) for m in trend.marks],
    )


def _square(trend: Trend, night: str) -> Square:
    """A cell on a night: its worst standing, and all reasons for it."""
    standings = [*_standings(trend, night)]
    worst = min((standing for standing, _ in standings), key=[*LETTERS].index, default="")
    why = "; ".join(why for standing, why in standings if standing == worst)
    return Square(night=night, standing=worst, why=why)


def _standings(trend: Trend, night: str) -> Iterator[tuple[str, str]]:
    """Standings of a night with their reasons: the baseline, moves and drifts that it showed."""
    if night in trend.standings:
        yield trend.standings[night], "against the baseline"
    elif any(night in line.nights for line in trend.lines):
        yield "no baseline", "there is nothing to hold it against"
    for line in trend.lines:
        for move in line.moves:
            if line.nights[move.detection] == night:
                yield "improved" if move.better else "regressed", described(line, move)
        if line.drifted == night:
            yield "drifted", drift(line)


def _finding(card: Card) -> Finding:
    """Tonight as a finding of a comparison."""
    standing: Any = card.squares[-1].standing
    return Finding(
        stage="training",
        cell=card.trend.cell,
        name="tonight",
        standing=JUDGED.get(standing, standing),
    )


def _sums(cards: Sequence[Card], nights: Sequence[str]) -> str:
    """Tonight in a line."""
    if not nights:
        return "there is no history"
    counts = Counter(card.squares[-1].standing or "not measured" for card in cards)
    standings = ", ".join(f"{counts[name]} {name}" for name in LETTERS if counts[name])
    devices = " and ".join(sorted({card.trend.device for card in cards}))
    history = f"{nights[-1]}, {_count(len(nights), 'night')}, {_count(len(cards), 'cell')}"
    return f"{history} on {devices}: {standings}" if cards else history


def _count(number: int, what: str) -> str:
    """A number of things."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _when(event: Event, latest: Sequence[str]) -> str:
    """Which heading an event stands below."""
    if event.occasion.shown == latest[-1]:
        return "Tonight"
    return "Before" if event.occasion.shown >= latest[0] else "Older"


def _grid(nights: Sequence[str]) -> list[tuple[int, str]]:
    """Places with their dates: both ends, and the night in the middle."""
    some = [nights[0], nights[len(nights) // 2], nights[-1]] if nights else []
    return [(place(night, nights), night) for night in dict.fromkeys(some)]

"""One figure of a cell over its nights, drawn in whole units, so that years stay light."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from harness.judge.nightly.trend import Line, Move

RIGHT = 1000
"""Where tonight stands; what is to the right of it is for the ends of the scale."""

TOP, BOTTOM = 32, 204

ROOM = 0.08
"""Share of what is drawn that is left free above it, and below."""

PARTS_OF_CONSTANT = 100
"""Where all values are one, it is one of so many parts of that value."""

NARROWEST = 2
"""Width of a regime of one night, which would not be seen otherwise."""

CARET_WIDTH, CARET_HEIGHT = 20, 14
"""Of the mark of a value off the scale."""

HUNDREDS, THOUSANDS = 100, 1000
"""Values from here on are shown with fewer digits after the point: as many as fit."""

FENCE = 3
"""Interquartile ranges from its regime's quartiles beyond which a night may be off the scale."""

FEWEST = 5
"""Nights that have quartiles worth computing."""

APART = 14
"""Days without a measurement that interrupt the line."""

BRIEF = 7
"""Characters for which there is room beside a drawing."""

MOST_LISTED = 5
"""Nights off the scale that are listed one by one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """A figure, drawn.

    Attributes:
        figure: its name, for people.
        latest: its last value, in its units.
        night: that measured it.
        usual: from where to where the last regime's nights lie; empty if there is none.
        since: first night of that regime.
        suspicion: share of the evidence that a step takes, 0 to 1.
        bottom: value at the bottom of the drawing.
        top: and at its top.
        bands: left, top, width and height of each regime's rectangle.
        means: an SVG path through the regimes' means.
        path: through the values.
        steps: place, whether upwards, whether for the better, and text of each.
        drifted: place and text of a drift.
        beyond: an SVG path of carets where values are off the scale.
        outliers: which these are.
    """

    figure: str
    latest: str
    night: str
    usual: str
    since: str
    suspicion: float
    bottom: str
    top: str
    bands: list[tuple[int, int, int, int]]
    means: str
    path: str
    steps: list[tuple[int, bool, bool, str]]
    drifted: list[tuple[int, str]]
    beyond: str
    outliers: str


def titled(figure: str) -> str:
    """A figure's name, for people."""
    return figure.replace("_per_second", "/s").replace("_", " ")


def shown(figure: str, value: float) -> str:
    """A value in the units of its figure."""
    if not math.isfinite(value):
        return str(value)
    if "memory" in figure:
        return f"{value / 1e6:,.0f} MB"
    if figure == "padding":
        return f"{value:.1%}"
    if figure.endswith("per_second"):
        return f"{value:,.{0 if abs(value) >= HUNDREDS else 1}f}"
    return f"{value:.4f}" if abs(value) < THOUSANDS else f"{value:,.0f}"


def _brief(figure: str, value: float) -> str:
    """The same where there is little room."""
    text = shown(figure, value).removesuffix(" MB")
    return text if len(text) <= BRIEF else f"{value:.2g}"


def described(line: Line, move: Move) -> str:
    """A step as text."""
    before, after = shown(line.figure, move.before), shown(line.figure, move.after)
    return f"{titled(line.figure)} {before} → {after} since {line.nights[move.at]}"


def drift(line: Line) -> str:
    """A drift as text."""
    return f"{titled(line.figure)} left its anchor bit by bit, found {line.drifted}"


def _between(figure: str, low: float, high: float) -> str:
    """An interval, in the units of its figure."""
    ends = dict.fromkeys((_brief(figure, low), shown(figure, high)))
    return " to ".join(ends) if low < high else shown(figure, high)


def place(night: str, nights: Sequence[str]) -> int:
    """Where a night stands among all, from 0 to RIGHT."""
    tonight = date.fromisoformat(nights[-1])
    whole = (tonight - date.fromisoformat(nights[0])).days or 1
    return round(RIGHT * (1 - (tonight - date.fromisoformat(night)).days / whole))


def panel(line: Line, nights: Sequence[str]) -> Panel | None:
    """A figure on the axis of all nights; nothing if no night has it."""
    if not line.values:
        return None
    bottom, top = _scale(line)

    def height(value: float) -> int:
        inside = min(max(value, bottom), top)
        return round(BOTTOM - (BOTTOM - TOP) * (inside - bottom) / (top - bottom))

    at = [place(night, nights) for night in line.nights]
    points = [
        (x, height(value) if math.isfinite(value) else None)
        for x, value in zip(at, line.values, strict=True)
    ]
    ends = [(band, at[band.start], at[band.stop - 1]) for band in line.bands]
    off = [i for i, v in enumerate(line.values) if not bottom <= v <= top]
    last = line.bands[-1] if line.bands else None
    return Panel(
        figure=titled(line.figure),
        latest=shown(line.figure, line.values[-1]),
        night=line.nights[-1],
        usual=_between(line.figure, last.low, last.high) if last else "",
        since=line.nights[last.start] if last else "",
        suspicion=line.suspicion,
        bottom=_brief(line.figure, bottom),
        top=_brief(line.figure, top),
        bands=[
            (
                left,
                height(band.high),
                max(NARROWEST, right - left),
                height(band.low) - height(band.high),
            )
            for band, left, right in ends
        ],
        means="".join(
            f"M{left} {height(band.mean)}h{max(NARROWEST, right - left)}"
            for band, left, right in ends
        ),
        path="".join(_path(points, line.nights)),
        steps=[
            (at[move.at], move.after > move.before, move.better, described(line, move))
            for move in line.moves
        ],
        drifted=[(place(n, nights), drift(line)) for n in (line.drifted,) if n],
        beyond="".join(
            _caret(at[i], above=line.values[i] > top) for i in off if math.isfinite(line.values[i])
        ),
        outliers=_outliers(line, off),
    )


def _caret(x: int, *, above: bool) -> str:
    """A triangle that points to where a value is off the scale."""
    half = CARET_WIDTH // 2
    if above:
        return f"M{x - half} {TOP}l{half}-{CARET_HEIGHT} {half} {CARET_HEIGHT}z"
    return f"M{x - half} {BOTTOM}l{half} {CARET_HEIGHT} {half}-{CARET_HEIGHT}z"


def _scale(line: Line) -> tuple[float, float]:
    """The lowest and the highest value to draw: every regime, without its few wild nights."""
    cuts = sorted({0, len(line.values), *(band.start for band in line.bands)})
    drawn: list[float] = []
    for start, stop in pairwise(cuts):
        values = [v for v in line.values[start:stop] if math.isfinite(v)]
        if len(values) >= FEWEST:
            lower, _, upper = statistics.quantiles(values, n=4, method="inclusive")
            fence = FENCE * (upper - lower)
            values = [v for v in values if lower - fence <= v <= upper + fence]
        drawn += values
    lowest, highest = min(drawn, default=0.0), max(drawn, default=1.0)
    room = ROOM * (highest - lowest) or abs(highest) / PARTS_OF_CONSTANT or 1.0
    return lowest - room, highest + room


def _path(points: Sequence[tuple[int, int | None]], nights: Sequence[str]) -> Iterator[str]:
    """Moves of a pen, each from where it is; it is lifted over long gaps and what is no number."""
    previous: tuple[int, int, int] | None = None
    for (x, y), night in zip(points, nights, strict=True):
        day = date.fromisoformat(night).toordinal()
        if y is None:
            previous = None
            continue
        if previous is None or day - previous[0] > APART:
            yield f"M{x} {y}h0"  # that a night alone is a dot
        else:
            yield f"l{x - previous[1]} {y - previous[2]}".replace(" -", "-")
        previous = day, x, y


def _outliers(line: Line, off: Sequence[int]) -> str:
    """Which nights are off the scale."""
    listed = [f"{line.nights[i]} {shown(line.figure, line.values[i])}" for i in off[:MOST_LISTED]]
    more = len(off) - len(listed)
    return ", ".join(listed) + (f" and {more} more" if more else "")

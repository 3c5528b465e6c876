"""Drawing: pages that need nothing from elsewhere, and the plots within them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

WIDTH, HEIGHT, MARGIN = 300, 100, 14

NARROWEST = 1.1
"""Ratios up to this one, and down to its inverse, are always on the axis."""


def render(template: str, **values: Any) -> str:
    """A page. Whatever comes from data sets or libraries is escaped."""
    templates = Environment(
        loader=PackageLoader("harness.judge.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    return templates.get_template(template).render(**values)


@dataclass(frozen=True, kw_only=True, slots=True)
class Curves:
    """Loss curves on one scale.

    Attributes:
        lines: name, and points of an SVG polyline.
        lowest: loss at the bottom of the drawing.
        highest: and at its top.
    """

    lines: tuple[tuple[str, str], ...]
    lowest: float
    highest: float


def curves(losses: Mapping[str, Sequence[float]]) -> Curves:
    """Loss of every step, by name; what is not finite is left out."""
    finite = [loss for series in losses.values() for loss in series if math.isfinite(loss)]
    lowest, highest = min(finite, default=0.0), max(finite, default=1.0)
    return Curves(
        lines=tuple((name, _points(series, lowest, highest)) for name, series in losses.items()),
        lowest=lowest,
        highest=highest,
    )


def _points(losses: Sequence[float], lowest: float, highest: float) -> str:
    """An SVG polyline's points."""
    span = highest - lowest or 1.0
    step = WIDTH / max(1, len(losses) - 1)
    room = HEIGHT - 2 * MARGIN
    return " ".join(
        f"{index * step:.1f},{MARGIN + room * (highest - loss) / span:.1f}"
        for index, loss in enumerate(losses)
        if math.isfinite(loss)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A ratio on an axis whose middle is 1.

    Attributes:
        name: of what is compared.
        text: the ratio and its interval.
        left: where the interval begins on the drawing.
        middle: where the ratio stands.
        right: where the interval ends.
    """

    name: str
    text: str
    left: float
    middle: float
    right: float


def intervals(ratios: Mapping[str, tuple[float, float, float]]) -> list[Interval]:
    """Ratios with the ends of their intervals, by name, on one logarithmic axis."""
    logs = {name: tuple(map(math.log, ratio)) for name, ratio in ratios.items()}
    span = max([math.log(NARROWEST), *(abs(end) for ends in logs.values() for end in ends)])

    def place(log: float) -> float:
        return round(WIDTH / 2 * (1 + log / span), 1)

    return [
        Interval(
            name=name,
            text=f"{mean:.3f} [{low:.3f}, {high:.3f}]",
            left=place(logs[name][1]),
            middle=place(logs[name][0]),
            right=place(logs[name][2]),
        )
        for name, (mean, low, high) in ratios.items()
    ]

"""A benchmark of collations: lines for a terminal, and a page that needs nothing from elsewhere."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from harness.judge.benchmark.contest import BASELINE
from harness.judge.benchmark.cost_model import Forecast, advice, recommended
from harness.judge.benchmark.row import Pace
from harness.judge.reports.svg import HEIGHT, MARGIN, WIDTH, render

NEARLY = 0.1
"""Measured and planned speed-ups that are this near agree."""

USUAL = "group_by_length"
"""What most would use where lengths differ: advice says how much better it is."""

HEADER = (
    f"{'collation':<22}{'speed-up':>9}{'95 % interval':>15}{'of limit':>9}{'of plan':>9}"
    f"{'samples/s':>11}{'real tokens/s':>14}{'steps/s':>9}{'memory':>10}{'collating':>10}"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """A speed-up, drawn from the left.

    Attributes:
        pace: whose it is.
        text: the speed-up and its interval.
        differs: why it is not as planned; empty where it is.
        width: where it ends on the drawing.
        low: where its interval begins.
        high: and ends.
        planned: where it was expected.
    """

    pace: Pace
    text: str
    differs: str
    width: float
    low: float
    high: float
    planned: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """What a strategy computes for examples of each length, drawn.

    Attributes:
        name: of the strategy.
        real: points of an SVG polygon, the tokens that are there.
        computed: points of a polyline, the positions that are computed.
        padding: share of these that is padding, as text.
    """

    name: str
    real: str
    computed: str
    padding: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Collations that met each other.

    Attributes:
        name: what they have in common.
        limit: of their speed-ups.
        limit_at: where it stands on the drawing.
        bars: the fastest first.
        profiles: of the same.
        advice: which to use.
    """

    name: str
    limit: float
    limit_at: float
    bars: list[Bar]
    profiles: list[Profile]
    advice: list[str]


def grouped(paces: Iterable[Pace]) -> list[tuple[str, list[Pace]]]:
    """Paces by what they are compared within, the fastest first."""
    ordered = sorted(paces, key=lambda pace: (pace.group, *_slowness(pace)))
    return [(name, [*group]) for name, group in groupby(ordered, lambda pace: pace.group)]


def _slowness(pace: Pace) -> tuple[bool, float]:
    """What orders a group: the speed-up, which is paired, or the speed where that is not known."""
    ratio = pace.rank.speedup
    return ratio is None, -(pace.rank.samples_per_second if ratio is None else ratio.mean)


def lines(paces: Iterable[Pace]) -> list[str]:
    """A table for each group, and which collation to use."""
    table: list[str] = []
    for name, group in grouped(paces):
        table += [f"{name}, limit {group[0].rank.forecast.limit:.2f}x", HEADER]
        table += [_line(pace) for pace in group]
        table += [*_advice(group), ""]
    return table


def page(paces: Iterable[Pace], environment: Mapping[str, Any]) -> str:
    """The page."""
    groups = [_group(name, group) for name, group in grouped(paces)]
    return render(
        "padding.html.jinja",
        title="Padding",
        verdict="measured",
        sums=f"speed-ups measured: {sum(len(group.bars) for group in groups)}",
        groups=groups,
        environment=environment,
    )


def plan(title: str, forecasts: Sequence[Forecast], max_length: int) -> str:
    """A page of forecasts alone."""
    ordered = sorted(forecasts, key=lambda forecast: -forecast.speedup)
    return render(
        "plan.html.jinja",
        title=title,
        verdict="planned",
        sums=f"at most {forecasts[0].limit:.2f} times as fast as padding to {max_length} tokens",
        planned=[(forecast, profile(forecast, max_length)) for forecast in ordered],
        advised=advice({forecast: forecast.speedup for forecast in forecasts}),
    )


def profile(forecast: Forecast, max_length: int) -> Profile:
    """A strategy's padding, drawn over the lengths of its examples."""
    real = _points(forecast.lengths, max_length)
    return Profile(
        name=forecast.name,
        real=f"0,{HEIGHT - MARGIN} {real} {WIDTH},{HEIGHT - MARGIN}",
        computed=_points(forecast.positions, max_length),
        padding=f"{forecast.padding:.1%}",
    )


def _line(pace: Pace) -> str:
    """A collation's line."""
    rank, ratio = pace.rank, pace.rank.speedup
    compared = f"{'':>9}{'':>15}{'':>9}{'':>9}"
    if ratio is not None and rank.of_limit is not None and rank.of_forecast is not None:
        interval = f"[{ratio.low:.2f}, {ratio.high:.2f}]"
        compared = f"{ratio.mean:>8.2f}x{interval:>15}{rank.of_limit:>9.1%}{rank.of_forecast:>9.2f}"
    compiled = f"  {rank.graphs} graphs, {rank.breaks} breaks" if pace.compiled else ""
    return (
        f"{rank.collation:<22}{compared}{rank.samples_per_second:>11,.1f}"
        f"{rank.tokens_per_second:>14,.0f}{rank.steps_per_second:>9,.2f}"
        f"{rank.memory / 2**20:>6,.0f} MiB{rank.collating:>10.1%}{compiled}"
    )


def _advice(group: Sequence[Pace]) -> list[str]:
    """Which to use, by what it may change about training, and why."""
    ranks = {pace.rank.collation: pace.rank for pace in group}
    speedups = {name: rank.speedup.mean for name, rank in ranks.items() if rank.speedup is not None}
    if group[0].rank.mode == "train":
        advised: Mapping[str, str] = advice(
            {ranks[name].forecast: speedup for name, speedup in speedups.items()}
        )
    else:
        advised = {recommended(speedups): "predictions stay"} if speedups else {}
    usual = ranks.get(USUAL)
    sentences: list[str] = []
    for name, why in advised.items():
        beside = f"{speedups[name]:.2f} times as fast as {BASELINE.name}"
        if usual is not None and name != USUAL:
            ratio = ranks[name].over(usual)
            beside += f", {ratio.mean:.2f} [{ratio.low:.2f}, {ratio.high:.2f}] as {USUAL}"
        sentences.append(f"use {name} ({why}): {beside}")
    return sentences


def _group(name: str, paces: list[Pace]) -> Group:
    """A group, drawn."""
    limit = paces[0].rank.forecast.limit
    kernels = {pace.rank.collation: pace.rank.kernel for pace in paces}
    ends = [pace.rank.speedup.high for pace in paces if pace.rank.speedup is not None]
    scale = WIDTH / (1.05 * max([limit, *ends]))
    return Group(
        name=name,
        limit=limit,
        limit_at=round(limit * scale, 1),
        bars=[_bar(pace, scale, _differs(pace, kernels)) for pace in paces],
        profiles=[profile(pace.rank.forecast, pace.max_length) for pace in paces],
        advice=_advice(paces),
    )


def _differs(pace: Pace, kernels: Mapping[str, str]) -> str:
    """Why a measured speed-up is not the planned one; empty where it nearly is."""
    rank = pace.rank
    if rank.of_forecast is None or abs(rank.of_forecast - 1) <= NEARLY:
        return ""
    if rank.dropout and pace.device == "cpu":
        return "with dropout, torch does not fuse attention on a CPU: wide rows cost more"
    if rank.kernel != kernels.get(BASELINE.name, rank.kernel):
        return f"another kernel than {BASELINE.name}'s"
    if rank.collating > NEARLY:
        return f"making batches takes {rank.collating:.0%}"
    return "a step does more than multiply"


def _bar(pace: Pace, scale: float, differs: str) -> Bar:
    """A pace, drawn."""
    ratio, planned = pace.rank.speedup, pace.rank.forecast.speedup
    mean, low, high = (0.0,) * 3 if ratio is None else (ratio.mean, ratio.low, ratio.high)
    return Bar(
        pace=pace,
        text="" if ratio is None else f"{mean:.2f} [{low:.2f}, {high:.2f}]",
        differs=differs,
        width=round(mean * scale, 1),
        low=round(low * scale, 1),
        high=round(high * scale, 1),
        planned=round(planned * scale, 1),
    )


def _points(values: Sequence[float], most: int) -> str:
    """An SVG polyline's points; the top is a length, or what is more than that."""
    room, step = HEIGHT - 2 * MARGIN, WIDTH / max(1, len(values) - 1)
    return " ".join(
        f"{index * step:.1f},{HEIGHT - MARGIN - room * min(1, value / most):.1f}"
        for index, value in enumerate(values)
    )

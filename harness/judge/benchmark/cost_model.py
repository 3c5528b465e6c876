"""Forecasts: what batching will cost, before any model runs.

An encoder layer of width H multiplies, for a row of L positions, 24·L·H² (its four projections
and its two feed-forward matrices, of width 4H) and 4·L²·H (scores and their weighted sum);
Kaplan et al. 2020, table 1, with both halves of attention counted. Padding costs what tokens cost,
so the share of this that real tokens need bounds what a better strategy can win.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from harness.core.batching import Batches, Integers, starts
from harness.core.collation import Collation, Trajectory


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """What a strategy costs over an epoch.

    Attributes:
        name: of the strategy.
        trajectory: what training has in common with training under dynamic padding.
        batches: in an epoch.
        padding: share of the computed positions that is padding, 0 to 1.
        efficiency: share of the multiplications that real tokens need, 0 to 1.
        speedup: multiplications of `max_length` over the strategy's.
        limit: multiplications of `max_length` over those that real tokens need.
        variation: standard deviation of a batch's cost over its mean.
        largest: most positions of a batch: memory follows it.
        weights: what examples weigh, one on average, if each batch counts by its mean loss: of
            the shortest tenth, and so on to the longest.
        lengths: mean tokens of the examples of each `PARTS`th by length.
        positions: computed for each of these examples, on average.
    """

    name: str
    trajectory: Trajectory | Literal["evaluation only"]
    batches: int
    padding: float
    efficiency: float
    speedup: float
    limit: float
    variation: float
    largest: int
    weights: tuple[float, ...]
    lengths: tuple[float, ...]
    positions: tuple[float, ...]


PARTS = 40
"""Of the examples, the shortest first: enough to draw."""

NEAR = 0.05
"""A strategy this near the best is as good, if it is simpler."""

SIMPLEST = (
    "max_length",
    "dynamic",
    "pad_to_multiple_of",
    "sorted",
    "group_by_length",
    "max_tokens",
    "packed",
)
"""Strategies by how little they ask of a training script, the least first."""


def recommended(speedups: Mapping[str, float]) -> str:
    """The simplest of some strategies, by name, that is near the fastest of them."""
    enough = max(speedups.values()) * (1 - NEAR)
    return min((name for name in speedups if speedups[name] >= enough), key=_simplicity)


def advice(speedups: Mapping[Forecast, float]) -> dict[str, Trajectory]:
    """What to train with, by name, and what it may change about training: the least first.

    Args:
        speedups: planned or measured, by the forecast of what is sped up.
    """
    allowed: dict[str, float] = {}
    advised: dict[str, Trajectory] = {}
    for trajectory in get_args(Trajectory):
        allowed |= {f.name: value for f, value in speedups.items() if f.trajectory == trajectory}
        if allowed:
            advised.setdefault(recommended(allowed), trajectory)
    return advised


def _simplicity(name: str) -> int:
    """How much a strategy asks of a training script."""
    kind = name.partition(":")[0]
    return SIMPLEST.index(kind) if kind in SIMPLEST else len(SIMPLEST)


def multiplications(widths: Integers, hidden: int) -> npt.NDArray[np.float64]:
    """FLOPs of one layer's forward pass for rows of some positions.

    Args:
        widths: (rows,) positions.
        hidden: width H of the model.
    """
    positions = widths.astype(np.float64)
    return 24 * positions * hidden**2 + 4 * positions**2 * hidden


def forecast(batches: Batches, strategy: Collation, *, max_length: int, hidden: int) -> Forecast:
    """What one epoch costs under a strategy.

    Args:
        batches: that `compose` made of it.
        strategy: how examples become batches.
        max_length: that `max_length` pads to.
        hidden: width H of the model.
    """
    costs = costs_of(batches, strategy, hidden)
    needed = multiplications(batches.lengths, hidden).sum()
    most = multiplications(np.asarray([max_length]), hidden)[0] * len(batches.lengths)
    shortest_first = np.argsort(batches.lengths, kind="stable")
    weights = len(batches.lengths) / len(batches.sizes) / batches.sizes
    positions = batches.computed / batches.sizes
    return Forecast(
        name=strategy.name,
        trajectory="evaluation only" if strategy.sorted else strategy.trajectory,
        batches=len(costs),
        padding=1 - float(batches.real.sum() / batches.computed.sum()),
        efficiency=float(needed / costs.sum()),
        speedup=float(most / costs.sum()),
        limit=float(most / needed),
        variation=float(costs.std() / costs.mean()),
        largest=int(batches.computed.max()),
        weights=_means(np.repeat(weights, batches.sizes)[shortest_first], 10),
        lengths=_means(batches.lengths[shortest_first], PARTS),
        positions=_means(np.repeat(positions, batches.sizes)[shortest_first], PARTS),
    )


def costs_of(batches: Batches, strategy: Collation, hidden: int) -> npt.NDArray[np.float64]:
    """(batches,) multiplications of each; in a flat row each example attends to itself alone."""
    if strategy.layout == "flat":
        each = multiplications(batches.lengths, hidden)
        return np.add.reduceat(each, starts(batches.sizes))
    return batches.rows * multiplications(batches.widths, hidden)


def typical(costs: npt.NDArray[np.float64], count: int) -> Integers:
    """Indices of batches that stand for all: in the middle of equal parts, from cheap to dear."""
    count = min(count, len(costs))
    middles = (np.arange(count) + 0.5) / count * len(costs)
    return np.argsort(costs, kind="stable")[middles.astype(np.int64)]


def _means(values: npt.NDArray[Any], parts: int) -> tuple[float, ...]:
    """Means of consecutive parts of some values."""
    return tuple(float(part.mean()) for part in np.array_split(values, parts) if len(part))

"""Forecasts: what batching will cost, before any model runs.

An encoder layer of width H multiplies, for a row of L positions, 24·L·H² (its four projections
and its two feed-forward matrices, of width 4H) and 4·L²·H (scores and their weighted sum);
Kaplan et al. 2020, table 1, with both halves of attention counted. Padding costs what tokens cost,
so the share of this that real tokens need bounds what a better strategy can win.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.batching import Batches, Integers, compose, starts
from harness.collation import Collation


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """What a strategy costs over an epoch.

    Attributes:
        name: of the strategy.
        batches: in an epoch.
        padding: share of the computed positions that is padding, 0 to 1.
        efficiency: share of the multiplications that real tokens need, 0 to 1.
        speedup: multiplications of `max_length` over the strategy's.
        limit: multiplications of `max_length` over those that real tokens need.
        variation: standard deviation of a batch's cost over its mean.
        largest: most positions of a batch: memory follows it.
        truncated: share of the examples that `max_length` cuts, 0 to 1.
    """

    name: str
    batches: int
    padding: float
    efficiency: float
    speedup: float
    limit: float
    variation: float
    largest: int
    truncated: float


NEAR = 0.05
"""A strategy this near the best is as good, if it is simpler."""

SIMPLEST = (
    "max_length",
    "dynamic",
    "pad_to_multiple_of",
    "group_by_length",
    "max_tokens",
    "packed",
)
"""Strategies by how little they ask of a training script, the least first."""


def recommended(forecasts: Sequence[Forecast]) -> Forecast:
    """The simplest of some strategies that is near the best of them."""
    best = max(found.speedup for found in forecasts)
    near = [found for found in forecasts if found.speedup >= best * (1 - NEAR)]
    return min(near, key=_simplicity)


def _simplicity(found: Forecast) -> int:
    """How much a strategy asks of a training script."""
    kind = found.name.partition(":")[0]
    return SIMPLEST.index(kind) if kind in SIMPLEST else len(SIMPLEST)


def multiplications(widths: Integers, hidden: int) -> npt.NDArray[np.float64]:
    """FLOPs of one layer's forward pass for rows of some positions.

    Args:
        widths: (rows,) positions.
        hidden: width H of the model.
    """
    positions = widths.astype(np.float64)
    return 24 * positions * hidden**2 + 4 * positions**2 * hidden


def forecast(  # noqa: PLR0913 - `compose`'s arguments, and the model's width
    lengths: Integers,
    strategy: Collation,
    *,
    batch_size: int,
    max_length: int,
    hidden: int,
    training: bool = True,
    seed: int = 0,
) -> Forecast:
    """What one epoch costs under a strategy; the arguments but `hidden` are `compose`'s.

    Raises:
        SpecError: see `compose`.
    """
    batches = compose(
        lengths,
        strategy,
        batch_size=batch_size,
        max_length=max_length,
        training=training,
        seed=seed,
    )
    costs = _costs(batches, strategy, hidden)
    needed = multiplications(batches.lengths, hidden).sum()
    most = multiplications(np.asarray([max_length]), hidden)[0] * len(lengths)
    return Forecast(
        name=strategy.name,
        batches=len(costs),
        padding=1 - float(batches.real.sum() / batches.computed.sum()),
        efficiency=float(needed / costs.sum()),
        speedup=float(most / costs.sum()),
        limit=float(most / needed),
        variation=float(costs.std() / costs.mean()),
        largest=int(batches.computed.max()),
        truncated=float((lengths > max_length).mean()),
    )


def _costs(batches: Batches, strategy: Collation, hidden: int) -> npt.NDArray[np.float64]:
    """(batches,) multiplications of each; in a flat row each example attends to itself alone."""
    if strategy.layout == "flat":
        each = multiplications(batches.lengths, hidden)
        return np.add.reduceat(each, starts(batches.sizes))
    return batches.rows * multiplications(batches.widths, hidden)

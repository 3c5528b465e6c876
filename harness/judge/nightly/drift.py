"""Drift: a series that leaves its anchor without a step."""

import math
from collections import deque
from collections.abc import Sequence
from itertools import groupby
from statistics import NormalDist, fmean, median

from harness.judge.nightly.observation import CLIPPED, FEWEST, PRIOR, Observation, spread_of, tells

MONTH = 30
"""Nights whose mean is held against an anchor."""

TRIMMED = 0.1
"""Share of the month that is cut off at each end."""


def drifted(
    observations: Sequence[Observation],
    *,
    mean: float,
    error: float,
    most: float,
    floor: float = 1e-9,
) -> int | None:
    """Index of the observation that showed that a series has left its anchor, however slowly.

    The mean of the last `MONTH` nights is too far away: by chance a look finds it there exp(-most)
    times. A night counts once, with the median of what it measured.

    Args:
        observations: since the anchor, the earliest first.
        mean: that was accepted.
        error: its standard error: nothing much smaller can be seen.
        most: evidence that is a drift, in nats; see `harness.judge.nightly.cusum.limit`.
        floor: the least standard deviation of an observation, whatever it tells.
    """
    far = -NormalDist().inv_cdf(math.exp(-most) / 2)
    month: deque[float] = deque(maxlen=MONTH)
    recent_error, squares, degrees = 0.0, 0.0, 0
    new = [pair for pair in enumerate(observations) if tells(pair[1]) and not pair[1].repeats]
    for _, group in groupby(new, lambda pair: pair[1].night):
        tonight = [*group]
        index, last = tonight[-1]
        value, recent_error = (
            median(seen.value for _, seen in tonight),
            last.error or recent_error,
        )
        if month:
            # Neighbours are as far apart as chance moves them: no drift shows in that.
            apart = abs(value - month[-1]) / math.sqrt(2)
            if recent_error:
                apart = min(apart, CLIPPED * spread_of(recent_error, squares, degrees, floor))
            squares, degrees = squares + apart * apart, degrees + 1
        month.append(value)
        if degrees + (PRIOR if recent_error else 0) < FEWEST:
            continue
        own = spread_of(recent_error, squares, degrees, floor) / math.sqrt(len(month))
        cut = int(TRIMMED * len(month))
        if abs(fmean(sorted(month)[cut : len(month) - cut]) - mean) > far * math.hypot(error, own):
            return index
    return None

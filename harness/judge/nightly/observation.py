"""Observations: what a night measured, and how far chance alone moves it."""

import math
import sys
from dataclasses import dataclass

CLIPPED = 3.5
"""Standard errors that an observation counts for at most: tails are heavy."""

PRIOR = 10
"""Observations that the error which nights tell of themselves is worth beside what they do."""

FEWEST = 20
"""Observations from which a spread is known that no night tells."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """What a night measured; several may share a night.

    Attributes:
        night: its ISO date.
        value: of the figure.
        error: standard error that the night tells of itself, 0 if unknown.
        repeats: whether it equals the observation before to the bit, on a machine that does so:
            it is drawn, but it is no evidence and not learnt from.
    """

    night: str
    value: float
    error: float = 0.0
    repeats: bool = False


def tells(observation: Observation) -> bool:
    """Whether there is anything to weigh."""
    return math.isfinite(observation.value) and math.isfinite(observation.error)


def spread_of(error: float, squares: float, degrees: int, floor: float) -> float:
    """A standard deviation, from the nights' own errors and what is learnt; never quite zero."""
    prior = PRIOR if error else 0
    weight = prior + max(0, degrees)
    learnt = math.sqrt((prior * error**2 + squares) / weight) if weight else 0.0
    return max(learnt, floor, sys.float_info.min)

"""CUSUM: steps in a series that nights measure, shown as they come and hardly ever by chance.

A two-sided CUSUM (Page 1954) sums the log-likelihood ratio of "moved by `SHIFT` standard errors"
over "as before", and starts again from nothing whenever that falls below zero. Where nothing moved
it takes exp(h) observations or more on average to pass a limit h (Lorden 1971), so the limit
follows from how many false alarms a year may bring. Three rules keep that true:

* The mean before is known from its regime alone. With n observations in it and m that wait, the sum
  counts n / (n + m): the ratio for an unknown mean. So a young regime alarms nobody.
* Tails are heavy: an observation counts for no more than `CLIPPED` standard errors.
* What slows a machine may last for hours: one night adds no more than `NIGHT` of the limit, however
  often it is measured, so two have to agree.

What is not finite is left out: what measured it has reported it already.
"""

import math
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from harness.judge.nightly.observation import Observation, tells
from harness.judge.nightly.regime import LevelShift, Regime

SUSPICIOUS = 0.02
"""More suspicion than this is worth another measurement in the same night."""

AGAIN = 6
"""Such measurements a night, at most. `tests/benchmarks/simulated_year.py` tells why."""


def limit(observations: float, false_alarms: float = 1.0) -> float:
    """Evidence that is an alarm, in nats.

    Args:
        observations: of all series together in the time looked at; each is watched both ways.
        false_alarms: that this time may bring.
    """
    return math.log(2 * observations / false_alarms)


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A regime, from `start` to before `stop`.

    Attributes:
        start: index of its first observation.
        stop: index after its last one.
        mean: without what still waits.
        spread: standard deviation of an observation.
    """

    start: int
    stop: int
    mean: float
    spread: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """A series' regimes, the steps among them, and how suspicious the last one is: 0 to 1."""

    spans: tuple[Span, ...]
    steps: tuple[LevelShift, ...]
    suspicion: float


class Cusum:
    """Watches a series, observation by observation; see `watch` for the arguments."""

    def __init__(self, most: float, breaks: Collection[str] = (), floor: float = 1e-9) -> None:
        """Nothing is seen yet."""
        self._breaks = sorted(breaks, reverse=True)
        self._seen, self._night, self._dusk = 0, "", 0
        self._regime = Regime(0, most, max(floor, sys.float_info.min))
        self._spans: list[Span] = []
        self._steps: list[LevelShift] = []

    @property
    def suspicion(self) -> float:
        """Share of the evidence that an alarm takes: 0 to 1."""
        return min(1.0, self._regime.evidence / self._regime.most)

    @property
    def watched(self) -> Watched:
        """What is seen so far."""
        spans = (*self._spans, *self._spans_until(self._seen))
        return Watched(spans=spans, steps=tuple(self._steps), suspicion=self.suspicion)

    def add(self, observation: Observation) -> LevelShift | None:
        """Take an observation; the step that it shows, if it does."""
        index = self._seen
        self._seen += 1
        if observation.night != self._night:
            self._night, self._dusk = observation.night, index
        while self._breaks and observation.night >= self._breaks[-1]:
            self._breaks.pop()
            self._begin(index)
        dusk = self._dusk if self._dusk > self._regime.start else index
        if not tells(observation) or not self._regime.add(dusk, observation):
            return None
        step, after = self._regime.moved(index)
        error = self._regime.error
        self._begin(step.at)
        self._regime.error = error
        for value in after:
            self._regime.learn(value)
        self._steps.append(step)
        return step

    def _begin(self, start: int) -> None:
        """Another regime."""
        self._spans += self._spans_until(start)
        self._regime = Regime(start, self._regime.most, self._regime.floor)

    def _spans_until(self, stop: int) -> list[Span]:
        """The present regime, unless it has learnt nothing."""
        regime = self._regime
        span = Span(start=regime.start, stop=stop, mean=regime.mean, spread=regime.spread)
        return [span] if regime.count else []


def watch(
    observations: Sequence[Observation],
    *,
    most: float,
    breaks: Collection[str] = (),
    floor: float = 1e-9,
) -> Watched:
    """The regimes of a series, and the steps among them.

    Args:
        observations: the earliest first.
        most: evidence that is an alarm, see `limit`.
        breaks: nights from which on a known change applies: a regime ends, and nobody is alarmed.
        floor: the least standard deviation of an observation, whatever it tells. A figure that no
            night's chance has moved so far, ten times or more, steps as soon as two nights agree.
    """
    watching = Cusum(most, breaks, floor)
    for observation in observations:
        watching.add(observation)
    return watching.watched

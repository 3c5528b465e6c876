"""Series: steps and drift in what nights measure, told as they come and hardly ever in vain.

A two-sided CUSUM (Page 1954) sums the log-likelihood ratio of "moved by `SHIFT` standard errors"
over "as before", and starts again from nothing whenever that falls below zero. Where nothing moved
it takes exp(h) observations or more on average to pass a limit h (Lorden 1971), so the limit
follows from how many false alarms a year may bring. Three rules keep that true:

* The mean before is known from its regime alone. With n observations in it and m that wait, the sum
  counts n / (n + m): the ratio for an unknown mean. So a young regime alarms nobody.
* Tails are heavy: an observation counts for no more than `CLIPPED` standard errors.
* What slows a machine may last for hours: one night adds no more than `NIGHT` of the limit, however
  often it is measured, so two have to agree.

What is not finite is left out: whoever measured it has told already.
"""

import math
import sys
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from statistics import NormalDist, fmean, median

SHIFT = 2.0
"""Standard errors of an observation: the step that is found fastest."""

CLIPPED = 3.5

NIGHT = 0.6
"""More than a half, or two nights would not do."""

PRIOR = 10
"""Observations that the error which nights tell of themselves is worth beside what they do."""

FEWEST = 20
"""Observations from which a spread is known that no night tells."""

PATIENCE = 10
"""Observations that may wait, even if the regime has fewer."""

MONTH = 30
"""Nights whose mean is held against an anchor."""

TRIMMED = 0.1
"""Share of the month that is cut off at each end."""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A place where a series moved.

    Attributes:
        at: index of the first observation after it, the first one of its night.
        found: index of the observation that showed it.
        before: mean of the regime that it ended.
        after: mean from there to what showed it; a little far out, for luck helps an alarm.
    """

    at: int
    found: int
    before: float
    after: float


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
    steps: tuple[Step, ...]
    suspicion: float


@dataclass(slots=True)
class _Side:
    """Evidence that a mean has moved one way: up, 1, or down, -1.

    Attributes:
        total: of an excursion from zero, in nats, as if the mean before were known.
        least: that it was tonight.
        count: of the excursion's observations.
    """

    way: int
    total: float = 0.0
    least: float = 0.0
    count: int = 0

    def add(self, deviation: float, tonight: float, *, first: bool) -> None:
        """Take an observation in standard errors, the first one of its night or another."""
        if first:
            self.least = self.total
        if not self.total:
            self.count = 0
        self.count += 1
        total = self.total + SHIFT * (self.way * deviation - SHIFT / 2)
        self.total = min(max(0.0, total), self.least + tonight)
        self.least = min(self.least, self.total)

    def evidence(self, known: int) -> float:
        """In nats, if the mean before is known from so many observations."""
        return self.total * known / (known + self.count) if self.total else 0.0


@dataclass(slots=True)
class _Regime:
    """Observations since a step or a break.

    What speaks for a step waits, to be learnt when the evidence is gone: the index of where its
    night began, the value, and how many standard errors that is from the mean.
    """

    start: int
    most: float
    floor: float
    error: float = 0.0
    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    night: str = ""
    waiting: list[tuple[int, float, float]] = field(default_factory=list)
    up: _Side = field(default_factory=lambda: _Side(1))
    down: _Side = field(default_factory=lambda: _Side(-1))

    @property
    def spread(self) -> float:
        """Standard deviation of an observation: what nights tell of themselves, and do."""
        return _spread(self.error, self.squares, self.count - 1, self.floor)

    @property
    def evidence(self) -> float:
        """That the mean has moved, this way or that."""
        return max(self.up.evidence(self.count), self.down.evidence(self.count))

    def add(self, index: int, observation: Observation) -> bool:
        """Take an observation of the night that began there; whether the series has moved."""
        value, self.error = observation.value, observation.error or self.error
        spread = self.spread
        # A figure that was always the same has no tails: no change of it is due to chance.
        exact = not self.error and spread <= self.floor
        if observation.repeats and self.count:
            return False
        if not self.count or not (exact or self.trusted):
            self.learn(value)
            return False
        deviation = (value - self.mean) / spread
        if not exact:
            deviation = min(max(deviation, -CLIPPED), CLIPPED)
        for side in (self.up, self.down):
            side.add(deviation, NIGHT * self.most, first=observation.night != self.night)
        self.night = observation.night
        self.waiting.append((index, value, min(max(deviation, -CLIPPED), CLIPPED)))
        evidence = self.evidence
        if evidence >= self.most:
            return True
        stuck = len(self.waiting) > max(PATIENCE, self.count)
        if stuck:  # those who wait know the mean better than the regime does
            self.count, self.mean, self.squares = 0, 0.0, 0.0
        if stuck or not evidence:
            for _, waited, _ in self.waiting:
                self.learn(waited)
            self.waiting.clear()
            self.up, self.down = _Side(1), _Side(-1)
        return False

    @property
    def trusted(self) -> bool:
        """Whether the spread is known well enough to judge by."""
        return self.error > 0 or self.count >= FEWEST

    def learn(self, value: float) -> None:
        """Make an observation part of mean and spread (Welford 1962)."""
        apart = value - self.mean
        if self.count and self.trusted:
            apart = min(max(apart, -CLIPPED * self.spread), CLIPPED * self.spread)
        self.count += 1
        self.mean += apart / self.count
        self.squares += apart * apart * (self.count - 1) / self.count

    def moved(self, found: int) -> tuple[Step, list[float]]:
        """The step that ends it, at the night that splits best, and the observations after."""
        nights = [night for night, _, _ in self.waiting]
        deviations = [deviation for _, _, deviation in self.waiting]
        way = 1 if self.up.evidence(self.count) >= self.down.evidence(self.count) else -1

        def apart(split: int) -> float:
            """Standard errors between the means on both sides."""
            ahead, after = self.count + split, len(deviations) - split
            means = sum(deviations[:split]) / ahead, sum(deviations[split:]) / after
            return way * (means[1] - means[0]) / math.sqrt(1 / ahead + 1 / after)

        split = max((nights.index(night) for night in dict.fromkeys(nights)), key=apart)
        after = [value for _, value, _ in self.waiting[split:]]
        return Step(at=nights[split], found=found, before=self.mean, after=fmean(after)), after


def _tells(observation: Observation) -> bool:
    """Whether there is anything to weigh."""
    return math.isfinite(observation.value) and math.isfinite(observation.error)


def _spread(error: float, squares: float, degrees: int, floor: float) -> float:
    """A standard deviation from what is told and what is learnt, never quite zero."""
    prior = PRIOR if error else 0
    weight = prior + max(0, degrees)
    learnt = math.sqrt((prior * error**2 + squares) / weight) if weight else 0.0
    return max(learnt, floor, sys.float_info.min)


class Watch:
    """Watches a series, observation by observation; see `watch` for the arguments."""

    def __init__(self, most: float, breaks: Collection[str] = (), floor: float = 1e-9) -> None:
        """Nothing is seen yet."""
        self._breaks = sorted(breaks, reverse=True)
        self._seen, self._night, self._dusk = 0, "", 0
        self._regime = _Regime(0, most, max(floor, sys.float_info.min))
        self._spans: list[Span] = []
        self._steps: list[Step] = []

    @property
    def suspicion(self) -> float:
        """Share of the evidence that an alarm takes: 0 to 1."""
        return min(1.0, self._regime.evidence / self._regime.most)

    @property
    def watched(self) -> Watched:
        """What is seen so far."""
        spans = (*self._spans, *self._spans_until(self._seen))
        return Watched(spans=spans, steps=tuple(self._steps), suspicion=self.suspicion)

    def add(self, observation: Observation) -> Step | None:
        """Take an observation; the step that it shows, if it does."""
        index = self._seen
        self._seen += 1
        if observation.night != self._night:
            self._night, self._dusk = observation.night, index
        while self._breaks and observation.night >= self._breaks[-1]:
            self._breaks.pop()
            self._begin(index)
        dusk = self._dusk if self._dusk > self._regime.start else index
        if not _tells(observation) or not self._regime.add(dusk, observation):
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
        self._regime = _Regime(start, self._regime.most, self._regime.floor)

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
    watching = Watch(most, breaks, floor)
    for observation in observations:
        watching.add(observation)
    return watching.watched


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
        error: its standard error: nothing much smaller can be told.
        most: as above.
        floor: as above.
    """
    far = -NormalDist().inv_cdf(math.exp(-most) / 2)
    month: deque[float] = deque(maxlen=MONTH)
    told, squares, degrees = 0.0, 0.0, 0
    new = [pair for pair in enumerate(observations) if _tells(pair[1]) and not pair[1].repeats]
    for _, group in groupby(new, lambda pair: pair[1].night):
        tonight = [*group]
        index, last = tonight[-1]
        value, told = median(seen.value for _, seen in tonight), last.error or told
        if month:
            # Neighbours are as far apart as chance moves them: no drift shows in that.
            apart = abs(value - month[-1]) / math.sqrt(2)
            if told:
                apart = min(apart, CLIPPED * _spread(told, squares, degrees, floor))
            squares, degrees = squares + apart * apart, degrees + 1
        month.append(value)
        if degrees + (PRIOR if told else 0) < FEWEST:
            continue
        own = _spread(told, squares, degrees, floor) / math.sqrt(len(month))
        cut = int(TRIMMED * len(month))
        if abs(fmean(sorted(month)[cut : len(month) - cut]) - mean) > far * math.hypot(error, own):
            return index
    return None

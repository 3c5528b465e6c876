"""A regime: nights between two steps, and the evidence that they are over."""

import math
from dataclasses import dataclass, field
from statistics import fmean

from harness.judge.nightly.observation import CLIPPED, FEWEST, Observation, spread_of

SHIFT = 2.0
"""Standard errors of an observation: the step that is detected fastest."""

NIGHT = 0.6
"""More than a half, or two nights would not do."""

PATIENCE = 10
"""Observations that may wait, even if the regime has fewer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LevelShift:
    """A place where a series moved.

    Attributes:
        at: index of the first observation after it, the first one of its night.
        detection: index of the observation that showed it.
        before: mean of the regime that it ended.
        after: mean from there to what showed it; a little far out, for luck helps an alarm.
    """

    at: int
    detection: int
    before: float
    after: float


@dataclass(slots=True)
class Side:
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
class Regime:
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
    up: Side = field(default_factory=lambda: Side(1))
    down: Side = field(default_factory=lambda: Side(-1))

    @property
    def spread(self) -> float:
        """Standard deviation of an observation: what nights tell of themselves, and do."""
        return spread_of(self.error, self.squares, self.count - 1, self.floor)

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
            self.up, self.down = Side(1), Side(-1)
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

    def moved(self, detection: int) -> tuple[LevelShift, list[float]]:
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
        return LevelShift(
            at=nights[split], detection=detection, before=self.mean, after=fmean(after)
        ), after

"""Years of nights, simulated: which steps are found and how late, and what is found in vain.

    python -m tests.benchmarks.simulated_year [--years 20] [--seed 0]

24 cells report accuracy and the logarithm of their throughput on each of 365 nights. Accuracy has
heavy tails: Student's t, 5 degrees of freedom. Throughput has noise that a whole night shares, and
one measurement in forty is slow by five percent. A third of the cells is clean; a third steps
twice, by 0.5 to 3 points and by 3 to 10 %; a third drifts, by two points and by 2 % a year. A cell
under suspicion is measured again in the same night.

A step is found by an alarm from its night on that has its direction; every other alarm of a cell
that does not drift is false, also one soon after a step. The first thirty nights are the anchor; to
find that a cell has left it is as false where nothing drifts and no step was planted yet.

Prints the same twice more, for what the rules do not count on: a slow machine is slow for the whole
night; nights understate their standard error by a third.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Self

import numpy as np
import numpy.typing as npt

from harness.judge.nightly.cusum import AGAIN, SUSPICIOUS, Cusum, limit, watch
from harness.judge.nightly.drift import MONTH, drifted
from harness.judge.nightly.observation import Observation
from harness.judge.nightly.regime import LevelShift

NIGHTS, CELLS = 365, 24
DATES = {(date(2025, 1, 1) + timedelta(days=night)).isoformat(): night for night in range(NIGHTS)}

POINTS, PERCENT = "accuracy", "throughput"
ERRORS = {POINTS: 0.005, PERCENT: 0.01}
STEPS = {POINTS: (0.005, 0.03), PERCENT: (0.03, 0.1)}
DRIFT = 0.02

SHARED = 0.003
"""Of the throughput's standard error, what all measurements of a night have in common."""

SLOW, RARE = 0.05, 40

IN_TIME = 3

MOST = limit(1.5 * len(ERRORS) * CELLS * NIGHTS)
"""One false alarm a year. A night measures a series one and a half times."""


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What is true of the noise.

    Attributes:
        all_night: a slow machine is slow for the whole night.
        understated: how many times the standard error that nights tell is the true one.
    """

    all_night: bool = False
    understated: float = 1.0

    def noise(self, draw: np.random.Generator, figure: str) -> npt.NDArray[np.float64]:
        """Errors of as many measurements a night as there can be, (nights, measurements)."""
        shape, scale = (NIGHTS, 1 + AGAIN), self.understated * ERRORS[figure]
        noise = np.zeros(shape)
        if figure == POINTS:
            noise += draw.standard_t(5, shape) * (3 / 5) ** 0.5 * scale
        else:
            noise += draw.normal(0, SHARED, (NIGHTS, 1))
            noise += draw.normal(0, (scale**2 - SHARED**2) ** 0.5, shape)
            slow = draw.integers(RARE, size=(NIGHTS, 1) if self.all_night else shape) == 0
            noise -= SLOW * slow
        return noise


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """What happens to a series: steps by night, and drift a year."""

    steps: dict[int, float]
    drift: float

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """Of each night."""
        mean = self.drift * np.arange(NIGHTS) / NIGHTS
        for night, size in self.steps.items():
            mean[night:] += size
        return mean


def planted(draw: np.random.Generator, cell: int, figure: str) -> Truth:
    """Nothing, two steps, or a drift."""
    way = draw.choice([-1, 1], 2)
    if cell % 3 == 1:
        nights = int(draw.integers(40, 160)), int(draw.integers(200, 330))
        sizes = way * draw.uniform(*STEPS[figure], 2)
        return Truth(steps=dict(zip(nights, sizes.tolist(), strict=True)), drift=0.0)
    return Truth(steps={}, drift=float(way[0]) * DRIFT if cell % 3 == 2 else 0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Year:
    """What was measured of a series, and its alarms."""

    seen: list[Observation]
    alarms: list[LevelShift]

    @classmethod
    def of(cls, values: list[list[float]], error: float) -> Self:
        """Measure, and measure again while there is suspicion."""
        watching, seen, alarms = Cusum(MOST), [], []
        for night, of_night in zip(DATES, values, strict=True):
            for value in of_night:
                seen.append(Observation(night=night, value=value, error=error))
                step = watching.add(seen[-1])
                if step is not None:
                    alarms.append(step)
                if watching.suspicion <= SUSPICIOUS:
                    break
        return cls(seen=seen, alarms=alarms)

    def night(self, index: int) -> int:
        """Of an observation."""
        return DATES[self.seen[index].night]

    def left(self, until: int) -> list[int]:
        """The night that showed that the series had left its first nights, if one did by then."""
        first = [one for one in self.seen if DATES[one.night] < MONTH]
        later = [one for one in self.seen if MONTH <= DATES[one.night] < until]
        anchor = watch(first, most=MOST).spans[-1]
        crossing = drifted(later, mean=anchor.mean, error=anchor.spread / MONTH**0.5, most=MOST)
        return [] if crossing is None else [DATES[later[crossing].night]]


@dataclass(slots=True)
class Tally:
    """What became of the alarms.

    Attributes:
        steps: planted.
        delays: nights until each found one was, its own included.
        located: found, and said to be of the right night.
        large: planted, twice the night's standard error or more.
        in_time: of these, found within three nights.
        drifts: planted.
        left: nights until each was seen from its anchor.
        stepped: drifts that a step had told of by then.
        false: alarms of series that do not drift.
        false_drifts: of these, from anchors.
        series: those, times years.
        nights: of all series.
        again: measurements beyond the first of a night.
    """

    steps: int = 0
    delays: list[int] = field(default_factory=list)
    located: int = 0
    large: int = 0
    in_time: int = 0
    drifts: int = 0
    left: list[int] = field(default_factory=list)
    stepped: int = 0
    false: int = 0
    false_drifts: int = 0
    series: int = 0
    nights: int = 0
    again: int = 0

    def judge(self, truth: Truth, error: float, year: Year) -> None:
        """Count a series' year."""
        self.nights += NIGHTS
        self.again += len(year.seen) - NIGHTS
        left = year.left(min(truth.steps, default=NIGHTS))
        if truth.drift:
            self.drifts += 1
            self.left += left
            end = min(left, default=NIGHTS)
            self.stepped += any(year.night(step.detection) < end for step in year.alarms)
            return
        self.series += 1
        self.false += len(left)
        self.false_drifts += len(left)
        waiting = dict(truth.steps)
        self.steps += len(waiting)
        self.large += sum(abs(size) >= 2 * error for size in waiting.values())
        for step in year.alarms:
            now = year.night(step.detection)
            due = [
                night
                for night, size in waiting.items()
                if night <= now and (size > 0) == (step.after > step.before)
            ]
            if not due:
                self.false += 1
                continue
            size, delay = waiting.pop(max(due)), now - max(due) + 1
            self.located += year.night(step.at) == max(due)
            self.delays.append(delay)
            self.in_time += abs(size) >= 2 * error and delay <= IN_TIME

    def lines(self, figures: int) -> Iterator[str]:
        """What to print, of that many figures of the cells."""
        from scipy.stats import chi2

        late, nine = np.quantile(self.delays, [0.5, 0.9])
        yield (
            f"  steps found: {len(self.delays)} of {self.steps}, {late:.0f} nights at the median, "
            f"{nine:.0f} nine times of ten; {self.located} dated to the night"
        )
        yield (
            f"  of two standard errors or more, within {IN_TIME} nights: "
            f"{self.in_time} of {self.large} ({self.in_time / self.large:.1%})"
        )
        late, nine = np.quantile([*self.left, *[np.inf] * (not self.left)], [0.5, 0.9])
        yield (
            f"  drifts seen from the anchor: {len(self.left)} of {self.drifts}, after {late:.0f} "
            f"nights, {nine:.0f} nine times of ten; {self.stepped} had alarmed as steps before"
        )
        a_year = figures * CELLS / self.series
        low = chi2.ppf(0.025, 2 * self.false) / 2 if self.false else 0.0
        high = chi2.ppf(0.975, 2 * self.false + 2) / 2
        yield (
            f"  false alarms: {self.false}, or {self.false * a_year:.2f} a year of {CELLS} cells "
            f"(95 %: {low * a_year:.2f} to {high * a_year:.2f}); {self.false_drifts} from anchors"
        )
        yield f"  measured again: {self.again / self.nights:.2f} times a night"


def simulate(world: World, years: int, seed: int) -> Iterator[str]:
    """All cells' years: what to print."""
    both = Tally()
    for figure, error in ERRORS.items():
        tally = Tally()
        for number in range(years * CELLS):
            draw = np.random.default_rng([seed, number, figure == PERCENT])
            truth = planted(draw, number, figure)
            values = truth.mean[:, None] + world.noise(draw, figure)
            year = Year.of(values.tolist(), error)
            for counting in (tally, both):
                counting.judge(truth, error, year)
        yield from (figure, *tally.lines(1))
    yield from ("both", *both.lines(2))


def main() -> None:
    """Simulate, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    worlds = {
        f"{options.years} years, an alarm at {MOST:.1f} nats": World(),
        "A slow machine is slow for the whole night": World(all_night=True),
        "Nights understate their standard error by a third": World(understated=1.5),
    }
    for title, world in worlds.items():
        sys.stdout.write(f"{title}\n")
        for line in simulate(world, options.years, options.seed):
            sys.stdout.write(f"  {line}\n")


if __name__ == "__main__":
    main()

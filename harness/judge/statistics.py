"""Statistics: what two samples of runs can say about each other, and how surely."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

DRAWS = 4_000
"""Bootstrap draws: a share of 5 % is then known to 0.4 points."""

ALPHA = 0.05

_NUMBERS = 200_000
"""That are drawn at once: there may be fifty thousand examples."""

TRIMMED = 0.1
"""Share of the ratios that is cut off at each end (Tukey and McLaughlin 1963)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """A mean difference, candidate minus base, and what resampling makes of it.

    Attributes:
        seeds: that it is over.
        mean: over seeds and examples.
        low: lower end of the two-sided 90 % interval: the 5 % quantile of the draws.
        high: its upper end.
        worse: share of draws at or below minus the margin: the p-value of "loses no more".
        better: share of draws at or above minus the margin: the p-value of "loses more".
        unharmed: the p-value of "loses something" on these very examples: Student's t of the
            seeds' means. Other examples might lose nothing; but these are what is measured.
    """

    seeds: int
    mean: float
    low: float
    high: float
    worse: float
    better: float
    unharmed: float

    @property
    def loses(self) -> bool:
        """Whether these examples lose something, surely, and their like perhaps the margin."""
        return self.worse > ALPHA >= self.unharmed

    @property
    def answer(self) -> Literal["loses no more", "loses more", "open"]:
        """Whether the loss is within the margin, surely; or beyond it, surely."""
        if self.worse <= ALPHA:
            return "loses no more"
        return "loses more" if self.better <= ALPHA else "open"


def effect(differences: npt.NDArray[Any], margin: float) -> Effect:
    """The mean of paired differences that share seeds and examples.

    Both are drawn anew, each with replacement, and a difference counts as often as its seed times
    as often as its example (Owen 2007, "The pigeonhole bootstrap"): wider than the truth rather
    than narrower.

    Args:
        differences: (seeds, examples), candidate minus base.
        margin: the loss that is tolerated, not negative.
    """
    means = _resampled(differences)
    low, high = np.quantile(means, [ALPHA, 1 - ALPHA])
    return Effect(
        seeds=len(differences),
        mean=float(differences.mean()),
        low=float(low),
        high=float(high),
        worse=float((means <= -margin).mean()),
        better=float((means >= -margin).mean()),
        unharmed=_unharmed(differences.mean(axis=1)),
    )


def effect_of_runs(differences: npt.NDArray[Any], margin: float) -> Effect:
    """The mean of paired differences that share seeds, and have no examples.

    Student's t throughout: few seeds drawn anew would not tell how far seeds spread.

    Args:
        differences: (seeds,), candidate minus base; at least two.
        margin: the loss that is tolerated, not negative.
    """
    from scipy.stats import t

    error = differences.std(ddof=1) / np.sqrt(len(differences))
    half = float(t.ppf(1 - ALPHA, len(differences) - 1) * error)
    mean = float(differences.mean())
    return Effect(
        seeds=len(differences),
        mean=mean,
        low=mean - half,
        high=mean + half,
        worse=_unharmed(-margin - differences),
        better=_unharmed(differences + margin),
        unharmed=_unharmed(differences),
    )


def _resampled(*sides: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """The sum of sides' means, in every draw over other seeds of each and other examples of all."""
    draw, examples = np.random.default_rng(0), sides[0].shape[1]
    at_once = max(1, _NUMBERS // examples)
    means = np.empty(DRAWS)
    for start in range(0, DRAWS, at_once):
        count = min(at_once, DRAWS - start)
        of_examples = np.zeros((count, examples))
        for side in sides:
            drawn = draw.integers(len(side), size=(count, len(side), 1))
            weights = (drawn == np.arange(len(side))).mean(axis=1)
            of_examples += weights @ side
        chosen = draw.integers(examples, size=(count, examples))
        means[start : start + count] = np.take_along_axis(of_examples, chosen, 1).mean(axis=1)
    return means


def _unharmed(means: npt.NDArray[Any]) -> float:
    """The p-value of a mean below zero; that of seeds that all agree is 0 or 1."""
    from scipy.stats import t

    error = means.std(ddof=1) / np.sqrt(len(means))
    if error == 0:
        return float(means[0] >= 0)
    return float(t.cdf(means.mean() / error, len(means) - 1))


def unpaired(before: npt.NDArray[Any], after: npt.NDArray[Any], margin: float) -> Effect:
    """The mean difference of runs that share examples, but no seeds.

    The interval draws both sides' seeds and the examples anew, as `effect` does: it is about other
    examples, too. The p-values are about these very ones: Student's t of the runs' means. Few runs
    of one side alone would not tell how far seeds spread; both sides' are taken to spread alike.

    Args:
        before: (runs, examples); a figure that has no examples is one example.
        after: (other runs, the same examples).
        margin: the loss that is tolerated, not negative.
    """
    low, high = np.quantile(_resampled(after, -before), [ALPHA, 1 - ALPHA])
    ours, theirs = before.mean(axis=1), after.mean(axis=1)
    return Effect(
        seeds=len(after),
        mean=float(theirs.mean() - ours.mean()),
        low=float(low),
        high=float(high),
        worse=_less(ours - margin, theirs),
        better=_less(theirs, ours - margin),
        unharmed=_less(theirs, ours),
    )


def _less(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> float:
    """The p-value of "left is less than right"; that of values that all agree is 0 or 1."""
    from scipy.stats import ttest_ind_from_stats  # ttest_ind warns where one side's runs agree

    if np.ptp(left) == np.ptp(right) == 0:
        return float(left[0] >= right[0])
    sides = [value for x in (left, right) for value in (x.mean(), x.std(ddof=1), len(x))]
    return float(ttest_ind_from_stats(*sides, alternative="less").pvalue)


def sequential(differences: Iterable[npt.NDArray[Any]], margin: float, fewest: int) -> Effect:
    """The effect over as few seeds as answer; over all of them if they leave it open.

    Args:
        differences: of one seed after another, (examples,) each; computed as needed.
        margin: as above.
        fewest: seeds to begin with.
    """
    taken: list[npt.NDArray[Any]] = []
    for row in differences:
        taken.append(row)
        if len(taken) >= fewest:
            result = effect(np.stack(taken), margin)
            if result.answer != "open":
                break
    return result


@dataclass(frozen=True, kw_only=True, slots=True)
class Ratio:
    """The geometric mean of paired ratios and its 95 % interval."""

    mean: float
    low: float
    high: float


def ratio(logs: Sequence[float]) -> Ratio:
    """What pairs say of a ratio, from its logarithms; Student's t, 10 % cut off at both ends.

    A neighbour that wakes up in the middle of one run would otherwise count as much as all others.
    """
    from scipy.stats import t, trim_mean
    from scipy.stats.mstats import trimmed_stde

    mean = float(trim_mean(logs, TRIMMED))
    kept = len(logs) - 2 * int(TRIMMED * len(logs))
    half = float(t.ppf(0.975, kept - 1) * trimmed_stde(logs, (TRIMMED, TRIMMED)))
    return Ratio(
        mean=float(np.exp(mean)), low=float(np.exp(mean - half)), high=float(np.exp(mean + half))
    )


def discoveries(p_values: Sequence[float]) -> list[bool]:
    """Which of several tests to believe, so that at most a share `ALPHA` of those is false.

    Benjamini and Hochberg 1995.
    """
    if not p_values:
        return []
    from scipy.stats import false_discovery_control

    return [bool(p <= ALPHA) for p in false_discovery_control(p_values)]

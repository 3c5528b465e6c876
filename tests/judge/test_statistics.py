"""Statistics: intervals cover as often as they say, and doubts are not verdicts."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import ttest_1samp, ttest_ind

from harness.judge import statistics
from harness.judge.gate.paired_cell import FEWEST_SEEDS, MOST_SEEDS


def differences(
    draw: np.random.Generator, loss: float, seeds: int = 3, examples: int = 400
) -> npt.NDArray[np.float64]:
    """Paired differences with effects of seeds and of examples around a true loss."""
    of_seeds = draw.normal(0, 0.005, (seeds, 1))
    of_examples = draw.normal(0, 0.1, (1, examples))
    return -loss + of_seeds + of_examples + draw.normal(0, 0.15, (seeds, examples))


def test_no_difference_is_no_loss() -> None:
    """What is the same everywhere loses nothing, surely."""
    assert statistics.effect(np.zeros((3, 60)), 0.02).answer == "loses no more"


def test_a_large_loss_is_a_loss() -> None:
    """Six points on four hundred examples are more than two, surely."""
    effect = statistics.effect(differences(np.random.default_rng(1), 0.06), 0.02)
    assert effect.answer == "loses more"
    assert effect.low < -0.06 < effect.high or effect.mean == pytest.approx(-0.06, abs=0.01)


def test_what_every_seed_loses_is_lost() -> None:
    """On these examples it is; of their like nothing is sure. Seeds that disagree lose nothing."""
    changed = np.repeat([-1.0, 1.0, 0.0], [40, 32, 336])
    effect = statistics.effect(np.stack([changed] * 5), 0.02)
    assert (effect.answer, effect.loses, effect.unharmed) == ("open", True, 0.0)
    effect = statistics.effect(np.stack([changed, -changed, changed, -changed, changed]), 0.02)
    assert not effect.loses
    assert statistics.effect(np.zeros((3, 60)), 0.0).unharmed == 1.0


def test_few_examples_leave_it_open() -> None:
    """A loss as large as the margin cannot be seen in few examples."""
    draw = np.random.default_rng(2)
    assert statistics.effect(differences(draw, 0.02, examples=30), 0.02).answer == "open"


def test_intervals_cover_the_truth() -> None:
    """Intervals of 90 % hold the true loss in at least 85 % of simulations."""
    draw = np.random.default_rng(3)
    covered = 0
    for _ in range(80):
        effect = statistics.effect(differences(draw, 0.01, examples=100), 0.02)
        covered += effect.low <= -0.01 <= effect.high
    assert covered >= 0.85 * 80


def answers(
    draw: np.random.Generator, loss: float, unstable: float
) -> Iterator[npt.NDArray[np.float64]]:
    """Right in the candidate less right in the base, on as many examples as MRPC validates on.

    A share of the examples goes either way from one run to the next, as fine-tuning does; the
    loss is theirs.
    """
    right = np.where(draw.random(408) < unstable, draw.uniform(0.2, 1.0, 408), 1.0)
    worse = np.where(right < 1, np.clip(right - loss / unstable, 0, 1), right)
    while True:
        yield (draw.random(408) < worse).astype(float) - (draw.random(408) < right)


@pytest.mark.parametrize("unstable", [0.1, 0.15])
def test_two_points_are_found_within_the_seed_budget(unstable: float) -> None:
    """Four of five losses of two points on MRPC are regressions; equals are hardly ever."""
    draw = np.random.default_rng(4)
    noticed, alarms = 0, 0
    for _ in range(15):
        for loss in (0.02, 0.0):
            rows = islice(answers(draw, loss, unstable), MOST_SEEDS)
            effect = statistics.sequential(rows, 0.02, FEWEST_SEEDS)
            regressed = effect.loses or effect.answer == "loses more"
            noticed, alarms = noticed + (regressed and loss > 0), alarms + (regressed and loss == 0)
    assert noticed >= 12
    assert alarms <= 1


def test_no_more_seeds_than_it_takes() -> None:
    """What is the same for every seed is answered by the first few."""
    rows = iter([np.zeros(60)] * 5)
    assert statistics.sequential(rows, 0.02, 3).seeds == 3
    assert len(list(rows)) == 2


def test_many_tests_need_more_proof() -> None:
    """One p-value of 3 % among twenty is chance; alone it is believed; none is no error."""
    assert statistics.discoveries([0.03]) == [True]
    assert not any(statistics.discoveries([0.03, *(i / 20 for i in range(1, 20))]))
    assert statistics.discoveries([]) == []


def test_runs_alone_are_told_apart_as_often_as_said() -> None:
    """Intervals over a few seeds hold the truth nine times of ten, and losses within are none."""
    draw = np.random.default_rng(4)
    effects = [
        statistics.effect_of_runs(draw.normal(-0.01, 0.01, 4), margin=0.01) for _ in range(400)
    ]
    covered = sum(effect.low <= -0.01 <= effect.high for effect in effects)
    assert 340 <= covered <= 380
    assert sum(effect.answer == "loses no more" for effect in effects) <= 34
    assert statistics.effect_of_runs(np.full(3, -0.03), 0.02).answer == "loses more"
    assert statistics.effect_of_runs(np.zeros(3), 0.02).answer == "loses no more"


def test_runs_of_one_side_may_agree() -> None:
    """They say nothing of the spread, which the other side's runs do; nothing warns of it."""
    agreeing, spread = np.full((3, 1), 0.9), np.asarray([[0.9], [0.905], [0.895]])
    effect = statistics.unpaired(spread, agreeing, 0.02)
    assert effect.answer == "loses no more"
    assert effect.worse < effect.unharmed == pytest.approx(0.5)
    nearly = np.asarray([0.1, 0.1 + 1e-16, 0.1 - 1e-16])
    assert statistics.effect_of_runs(nearly, 0.02).answer == "loses no more"


def test_p_values_are_those_of_scipy() -> None:
    """Student's t of means, of one sample and of two."""
    draw = np.random.default_rng(3)
    ours, theirs = draw.normal(0.9, 0.01, (4, 1)), draw.normal(0.89, 0.01, (3, 1))
    expected = ttest_ind(theirs[:, 0], ours[:, 0], alternative="less").pvalue
    assert statistics.unpaired(ours, theirs, 0.0).unharmed == pytest.approx(expected)
    expected = ttest_1samp(theirs[:, 0] - 0.9, 0, alternative="less").pvalue
    assert statistics.effect_of_runs(theirs[:, 0] - 0.9, 0.0).unharmed == pytest.approx(expected)

"""Statistics: intervals cover as often as they say, and doubts are not verdicts."""

import numpy as np
import numpy.typing as npt
import pytest

from harness import statistics


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
    found = statistics.effect(differences(np.random.default_rng(1), 0.06), 0.02)
    assert found.answer == "loses more"
    assert found.low < -0.06 < found.high or found.mean == pytest.approx(-0.06, abs=0.01)


def test_few_examples_leave_it_open() -> None:
    """A loss as large as the margin cannot be told from few examples."""
    draw = np.random.default_rng(2)
    assert statistics.effect(differences(draw, 0.02, examples=30), 0.02).answer == "open"


def test_intervals_cover_the_truth() -> None:
    """Intervals of 90 % hold the true loss in at least 85 % of simulations."""
    draw = np.random.default_rng(3)
    covered = 0
    for _ in range(80):
        found = statistics.effect(differences(draw, 0.01, examples=100), 0.02)
        covered += found.low <= -0.01 <= found.high
    assert covered >= 0.85 * 80


def test_many_tests_need_more_proof() -> None:
    """One p-value of 3 % among twenty is chance; alone it is believed; none is no error."""
    assert statistics.discoveries([0.03]) == [True]
    assert not any(statistics.discoveries([0.03, *(i / 20 for i in range(1, 20))]))
    assert statistics.discoveries([]) == []

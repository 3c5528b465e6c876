"""What nights make of accuracy, simulated: losses that are found, and losses that are none.

    python -m tests.benchmarks.night_power --nights 400000

Three runs were accepted; a night makes three more, and again three while it is open what they say,
twenty-one at most, as `harness.judge.nightly.check` does. Seeds spread by 0.6 points, with the
normal distribution's tails or with those of Student's t with four degrees of freedom; 2 points may
be lost. Prints how many nights a year of 24 cells calls a loss what is none, and which share of
real losses is found the same night.
"""

import argparse
import sys

import numpy as np
import numpy.typing as npt

from harness.judge.nightly.check import FALSE_ALARM, MOST_ROUNDS
from harness.judge.nightly.signals import ROUND
from harness.judge.statistics import ALPHA

SPREAD, MARGIN, YEAR = 0.006, 0.02, 24 * 365

Accuracies = npt.NDArray[np.float64]


def less(left: Accuracies, right: Accuracies) -> Accuracies:
    """The p-values of "left is less than right", a night each, as in `statistics.unpaired`."""
    from scipy.stats import ttest_ind

    p_values: Accuracies = ttest_ind(left, right, axis=1, alternative="less").pvalue
    return p_values


def judged(before: Accuracies, after: Accuracies) -> dict[str, float]:
    """The share of nights by what they come to, and how many runs one takes."""
    count = len(before)
    open_ = np.ones(count, bool)
    shares = {"regressed": 0.0, "same": 0.0, "runs": 0.0}
    for most in range(ROUND, ROUND * MOST_ROUNDS + 1, ROUND):
        shares["runs"] += ROUND * open_.mean()
        now = after[:, :most]
        within = open_ & (less(before - MARGIN, now) <= ALPHA)
        lost = open_ & ~within & (less(now, before) <= FALSE_ALARM)
        shares["same"] += within.mean()
        shares["regressed"] += lost.mean()
        open_ &= ~(within | lost)
    return shares | {"open": float(open_.mean())}


def main() -> None:
    """Simulate, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=400_000)
    nights = parser.parse_args().nights
    draw = np.random.default_rng(1)
    runs = ROUND * MOST_ROUNDS
    for tails in ("normal", "heavy"):
        for fall in (0.0, 0.01, 0.02, 0.03, 0.05):
            count = nights if not fall else nights // 20
            drawn = (
                draw.normal(0, SPREAD, (count, ROUND + runs))
                if tails == "normal"
                else draw.standard_t(4, (count, ROUND + runs)) * SPREAD / np.sqrt(2)
            )
            shares = judged(drawn[:, :ROUND], drawn[:, ROUND:] - fall)
            sys.stdout.write(
                f"{tails} tails, {fall * 100:g} points lost: regressed {shares['regressed']:.2%}, "
                f"same {shares['same']:.2%}, open {shares['open']:.2%}, {shares['runs']:.1f} runs"
            )
            false = f"; {shares['regressed'] * YEAR:.1f} nights a year" if not fall else ""
            sys.stdout.write(f"{false}\n")


if __name__ == "__main__":
    main()

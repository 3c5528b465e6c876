"""Tolerances: how much may differ, each with its reason.

Never hashed: loosening one retrains nothing.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Self

_noise: ContextVar[dict[str, float] | None] = ContextVar("noise", default=None)


class Band(float):
    """How far two computations of the same thing may be apart; remembers how far they were."""

    name: str

    def __new__(cls, name: str, width: float) -> Self:
        """A band of that name and width."""
        band = super().__new__(cls, width)
        band.name = name
        return band

    def note(self, distance: float) -> None:
        """Remember a distance, if somebody measures; the largest counts."""
        noise = _noise.get()
        if noise is not None:
            noise[self.name] = max(distance, noise.get(self.name, 0.0))


@contextmanager
def measuring() -> Iterator[dict[str, float]]:
    """Gather the largest distance seen in every band while the block runs."""
    noise: dict[str, float] = {}
    token = _noise.set(noise)
    try:
        yield noise
    finally:
        _noise.reset(token)


METRIC: Final = 1e-12
"""Metrics are ratios of small integers in double precision: only the order of sums may differ."""

ROUNDED: Final = 1e-5
"""Metrics of numbers, which modules take in single precision, relative to 1 or to themselves."""

LEARNING_RATE: Final = Band("LEARNING_RATE", 1e-9)
"""Relative. The schedule is a closed form in double precision, evaluated in another order."""

EVALUATION_LOSS: Final = 1e-4
"""Relative to a loss near 1. The library averages float32 losses of batches."""

FIRST_LOSS: Final = 0.35
"""Absolute. A fresh head draws weights with deviation 0.02, so its logits are near zero but not
zero, and the first batch has few examples."""

FIRST_LOGIT: Final = 0.2
"""Absolute. What the labels' own logits of the first batch may add to that of a wide head."""

DOUBLE: Final = Band("DOUBLE", 1e-12)
"""Relative, in float64. Measured noise of clean runs is below 1e-14 (`harness calibrate`)."""

NARROWED: Final = Band("NARROWED", 1e-4)
"""The same where modules of the model turn double into single precision, whatever the weights are,
which the trials say: float32's rounding over a dozen steps."""

SINGLE: Final = Band("SINGLE", 1e-4)
"""Relative, float32 beside float64, over a dozen steps. Measured: 1e-7 on the stand-ins, 7e-6 on a
real checkpoint of six layers."""

MERGED: Final = 1e-5
"""Logits with adapters merged into float32 weights, beside those with adapters. Measured: 2e-7."""

BFLOAT16: Final = Band("BFLOAT16", 0.05)
"""Relative, bfloat16 autocast beside float64, over a dozen steps. Measured: up to 0.011 on BERT."""

BFLOAT16_NARROWED: Final = Band("BFLOAT16_NARROWED", 0.1)
"""The same where modules narrow. Measured: 0.043 on T5, and 0.075 on ModernBERT, whose head is
drawn so wide that gradients are large."""

ALONE: Final = Band("ALONE", 1e-5)
"""Relative, in float32: an example in a batch beside the same alone. Kernels sum in other orders.
Measured: up to 2e-6 for the gradient of twelve layers."""

ALONE_HALF: Final = Band("ALONE_HALF", 0.05)
"""The same under bfloat16 or float16 autocast, whose steps are 0.8 % and 0.1 %. So a label may flip
only where the best two logits are nearer than twice that."""

CLIPPING: Final = 1e-5
"""Relative. torch divides by the norm plus 1e-6."""

UPDATE: Final = Band("UPDATE", 1e-8)
"""In learning rates: a parameter's distance from AdamW's closed form, in float64. Measured: 1e-12
on the stand-ins, 7e-12 on a real checkpoint, whose gradients are smaller."""

STAGE: Final = 1e-5
"""Relative: norm of a stage's float32 output beside that of the formulas in float64."""

SIZE: Final = 1e-3
"""Relative: how far the sizes of a fault in two environments may be apart. It is then the same."""

UPDATE_OPERATIONS: Final = 12
"""Operators of a fused update. Measured: 6 to 8, whatever the model."""

OPERATIONS: Final = 1.05
"""How many times another loop's operators a step may take. Measured: up to 1.014."""

FEWEST_ROWS: Final = 10
"""Of a split. Fewer are a handful: each counts for more than ten points of accuracy."""

CHANCE: Final = 1e-3
"""How often a model that has learnt nothing may be taken for a better one than a constant answer:
error rate of a one-sided exact binomial test."""

LOGGED_LOSS: Final = 1e-4
"""Absolute. Some versions round what they log to four digits."""

LAST_LOSS: Final = 0.95
"""The last steps' mean loss must be below this share of chance."""

LEFT_TO_LEARN: Final = 0.1
"""Of the way from the first loss to a constant answer's, where a stand-in was made."""

LAST_STEPS: Final = 0.1
"""Share of the steps that count as the last ones."""

FEWEST_STEPS: Final = 50
"""A shorter run need not have learnt anything yet."""


def above_ceiling(ceiling: float, examples: int) -> float:
    """How far a sample's metric may exceed the best possible one: two standard deviations.

    A model that is right as often as can be still hits a mislabelled row by its own mistakes.
    """
    return 2 * math.sqrt(ceiling * (1 - ceiling) / examples)


def first_loss(spread: float) -> float:
    """How far a fresh head's loss may be from chance, given the deviation of its logits.

    Of normal logits with variance v, the mean of log-sum-exp is above its value at zero by v/2 at
    most. No head is meant to be drawn wider than that its logits have variance 1.
    """
    return max(FIRST_LOSS, FIRST_LOGIT + min(spread, 1.0) ** 2 / 2)

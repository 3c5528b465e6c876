"""Metrics by name: which values a metric can have, and whether more of it is better.

Known are the names that modules of `evaluate` report; variants such as `f1_macro` or
`mean_perplexity` follow the name that they begin or end with. Of any other metric more is better.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from harness.judge.limits import Limits

_TIMING = ("runtime", "epoch", "_per_second", "_time")
"""Endings of what an evaluation reports beside its metrics."""

_SMALLEST = 1e-12


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricKind:
    """What a metric's name says about its values.

    Attributes:
        limits: of its values.
        higher: whether more is better.
        ratio: whether it moves by shares of itself, as errors without an upper limit do.
        floor: standard error of a few runs that is never fallen short of.
        by_example: whether it is the mean of what each example gets, right or wrong.
    """

    limits: Limits = field(default_factory=Limits)
    higher: bool = True
    ratio: bool = False
    floor: float = 0.001
    by_example: bool = False

    def gain(self, value: float) -> float:
        """A value on a scale where more is better, and equal distances weigh alike."""
        scaled = math.log(max(value, _SMALLEST)) if self.ratio else value
        return scaled if self.higher else -scaled

    def change(self, mean: float, low: float, high: float, digits: int = 4) -> str:
        """How far the metric itself has moved, and the interval, from distances of its gain."""
        if not self.higher:
            mean, low, high = -mean, -high, -low
        if self.ratio:
            return f"{math.expm1(mean):+.1%} [{math.expm1(low):+.1%}, {math.expm1(high):+.1%}]"
        return f"{mean:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"

    def margin(self, margin: float) -> str:
        """A margin in the metric's units."""
        return f"{margin:.3g} of it" if self.ratio else f"{margin:g}"


_SHARE = MetricKind(limits=Limits(least=0, most=1))
_CORRELATION = MetricKind(limits=Limits(least=-1, most=1))
_ERROR = MetricKind(limits=Limits(least=0), higher=False, ratio=True, floor=0.005)
_ERROR_RATE = MetricKind(limits=Limits(least=0), higher=False)

KINDS: Mapping[str, MetricKind] = {
    "accuracy": replace(_SHARE, by_example=True),
    **dict.fromkeys(("f1", "precision", "recall", "roc_auc"), _SHARE),
    **dict.fromkeys(("matthews_correlation", "pearson", "pearsonr", "spearmanr"), _CORRELATION),
    "loss": MetricKind(limits=Limits(least=0), higher=False, floor=0.002),
    **dict.fromkeys(("perplexity", "mse", "rmse", "mae", "mape", "smape", "error"), _ERROR),
    **dict.fromkeys(("brier_score", "wer", "cer"), _ERROR_RATE),
}
"""Of the metrics that have one of their own."""


def kind_of(name: str) -> MetricKind:
    """The kind of a metric."""
    if name in KINDS:
        return KINDS[name]
    first, _, _ = name.partition("_")
    _, _, last = name.rpartition("_")
    kind = KINDS.get(first) or KINDS.get(last) or MetricKind()
    return replace(kind, by_example=False)


def is_timing(name: str) -> bool:
    """Whether what an evaluation reports by a name is its time."""
    return name.endswith(_TIMING)


def reported(metrics: Iterable[str]) -> list[str]:
    """Names of the metrics among what an evaluation reports, the loss and its time left out."""
    return [name for name in metrics if name != "loss" and not is_timing(name)]

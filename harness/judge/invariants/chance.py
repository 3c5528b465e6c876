"""Chance: what a model that knows nothing answers, and whether predictions tell more than that.

Each test is one-sided, exact, and a question of one kind: are there more successes among some rows
than a constant answer would have?
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.record import Record
from harness.core.record_parts import Parameter
from harness.judge import tolerances

Ids = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """Rows that tell a model from a constant answer.

    Attributes:
        successes: those that speak for the model.
        rows: all of them.
        chance: of a success, for a model that has learnt nothing.
    """

    successes: int
    rows: int
    chance: float

    @property
    def p_value(self) -> float:
        """How likely a model that has learnt nothing has as many successes."""
        from scipy.special import bdtrc  # scipy.stats takes half a second to import

        return float(bdtrc(self.successes - 1, self.rows, self.chance))


def majority(labels: Ids) -> int:
    """The most frequent label."""
    return int(np.bincount(labels).argmax())


def of_accuracy(predicted: Ids, labels: Ids) -> Tally:
    """Beside the majority class: the rows that one of both gets right (McNemar 1947)."""
    ours, constant = predicted == labels, labels == majority(labels)
    return Tally(
        successes=int((ours & ~constant).sum()), rows=int((ours != constant).sum()), chance=0.5
    )


def of_binary_f1(predicted: Ids, labels: Ids) -> Tally:
    """Beside the best constant answer for binary F1.

    It grows with tp / (tp + fp + fn), and always answering 1 makes of that the share of label 1.
    """
    both = (predicted == 1) & (labels == 1)
    either = (predicted == 1) | (labels == 1)
    return Tally(
        successes=int(both.sum()), rows=int(either.sum()), chance=float((labels == 1).mean())
    )


def of_agreement(predicted: Ids, labels: Ids) -> Tally:
    """The right answers, beside as many as the same ones in any other order have on average.

    For metrics that no constant answer does well by, such as an average of F1 over labels.
    """
    size = int(max(predicted.max(), labels.max())) + 1
    agree = np.bincount(predicted, minlength=size) @ np.bincount(labels, minlength=size)
    return Tally(
        successes=int((predicted == labels).sum()),
        rows=len(labels),
        chance=float(agree / len(labels) ** 2),
    )


def first_loss(run: Record) -> float | None:
    """The loss of a model whose head knows nothing; None where labels have no fixed number."""
    if run.task == "multi_label_classification":
        return math.log(2)
    if run.task in {"single_label_classification", "token_classification"}:
        return math.log(len(run.label_names))
    return None


def learnt_loss(run: Record) -> float | None:
    """The most that a training loss may be once something was learnt; None if nobody knows.

    That of the best constant answer; and a tenth more of the way from the first loss down to it,
    which is long where labels are rare or numbers are large.
    """
    constant = constant_loss(run)
    if constant is None:
        return None
    return constant + tolerances.LEFT_TO_LEARN * max(0.0, run.steps[0].loss - constant)


def has_fresh_head(run: Record) -> bool:
    """Whether the last matrix outside the encoder was drawn, and is no checkpoint's."""
    return not run.held_head or _head(run)[-1].name not in run.held_head


def spread(run: Record) -> float:
    """The deviation of a fresh head's logits, for features of unit variance.

    That of its last matrix, times the root of how many features it sums; 0 in earlier records.
    """
    matrices = _head(run)
    if not matrices or run.task == "causal_lm":
        return 0.0
    return matrices[-1].deviation * math.sqrt(matrices[-1].shape[-1])


def _head(run: Record) -> list[Parameter]:
    """The matrices outside the encoder."""
    return [
        part
        for part in run.parameters
        if len(part.shape) > 1 and not part.name.startswith(f"{run.base_prefix}.")
    ]


def constant_loss(run: Record) -> float | None:
    """The training loss of the best answer that is the same for every row.

    The entropy of the classes' shares, or of each label's; the variance of numbers. None where the
    record does not say.
    """
    classes = run.arrays.get("split.train.classes")
    if run.task == "regression":
        numbers = run.arrays["split.train.labels"].astype(np.int32).view(np.float32)
        return float(np.var(numbers.astype(np.float64)))
    if classes is None:
        return None
    counts = np.bincount(classes, minlength=len(run.label_names))
    if run.task == "multi_label_classification":
        shares = counts / run.sizes["train"]
        return float(np.mean(_entropy(shares) + _entropy(1 - shares)))
    return float(_entropy(counts / counts.sum()).sum())


def _entropy(shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """-p ln p of each share, in nats; 0 of none."""
    return np.where(shares > 0, -shares * np.log(np.where(shares > 0, shares, 1)), 0.0)

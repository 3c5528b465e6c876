"""What an evaluation kept, by the closed forms of its task: decisions, and the mean loss."""

from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Task
from harness.core.record import Record
from harness.core.record_parts import Evaluation

Floats = npt.NDArray[np.floating[Any]]
Array = npt.NDArray[Any]

IGNORED = -100
"""The label of what adds nothing to a loss."""

CLASSIFYING: tuple[Task, ...] = (
    "single_label_classification",
    "multi_label_classification",
    "token_classification",
)
"""Tasks whose answers are right or wrong."""

OF_TOKENS: tuple[Task, ...] = ("token_classification", "causal_lm")
"""Tasks whose labels are tokens'."""


def predicted_shape(run: Record, rows: int, given: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of predictions of some rows; a width is the given one, for padding decides it."""
    if run.task == "causal_lm":
        return (rows, *given[1:2])
    width = given[1:2] if run.task == "token_classification" else ()
    return (rows, *width, len(run.label_names))


def label_shape(run: Record, rows: int, width: int) -> tuple[int, ...]:
    """The shape of the labels of some rows, whose tokens are padded to a width."""
    if run.task == "multi_label_classification":
        return (rows, len(run.label_names))
    return (rows, width) if run.task in OF_TOKENS else (rows,)


def label_type(run: Record) -> str:
    """The kind of numbers that labels are."""
    return "float" if run.task in {"multi_label_classification", "regression"} else "int"


def stored(run: Record, evaluation: Evaluation) -> tuple[Floats, Array]:
    """What an evaluation kept of its logits, and the labels.

    Logits are (examples, labels) and labels (examples,) ids; of several labels (examples, labels)
    indicators; of a regression (examples, 1) and (examples,) numbers; of tokens (examples, width,
    labels) and (examples, width) ids; of a language model, the loss of every token but the first,
    (examples, width - 1), and (examples, width) tokens.
    """
    kept: Any = run.arrays[f"{evaluation.name}.predictions"]
    return kept, run.arrays[f"{evaluation.name}.labels"]


def decisions(run: Record, evaluation: Evaluation) -> tuple[Array, Array]:
    """Class ids that were predicted, and those that are right, (decisions,) both.

    One decision an example, a label of an example, or a labelled token; none of other tasks.
    """
    kept, labels = stored(run, evaluation)
    if run.task == "multi_label_classification":
        return (kept > 0).astype(np.int64).reshape(-1), labels.astype(np.int64).reshape(-1)
    predicted = kept.argmax(axis=-1)
    if run.task == "token_classification":
        there = labels != IGNORED
        return predicted[there], labels[there]
    return predicted, labels


def mean_loss(run: Record, evaluation: Evaluation) -> float:
    """The mean over all terms of the loss, in double precision."""
    kept, labels = stored(run, evaluation)
    wide = kept.astype(np.float64)
    if run.task == "regression":
        return float(np.square(wide[:, 0] - labels).mean())
    if run.task == "multi_label_classification":
        terms = np.maximum(wide, 0) - wide * labels + np.log1p(np.exp(-np.abs(wide)))
        return float(terms.mean())
    if run.task == "causal_lm":
        return float(wide[labels[:, 1:] != IGNORED].mean())
    there = labels != IGNORED
    return cross_entropy(wide[there], labels[there], class_weights(run))


def class_weights(run: Record) -> Floats | None:
    """The weights of the labels: as declared, or n / (labels * n of the label) if balanced."""
    declared, labels = run.recipe.class_weight, len(run.label_names)
    if declared is None:
        return None
    if declared != "balanced":
        return np.asarray(declared, np.float64)
    classes = np.asarray(run.arrays["split.train.classes"], np.int64)
    counts = np.bincount(classes, minlength=labels)
    return np.asarray(len(classes) / (labels * np.maximum(counts, 1)), np.float64)


def cross_entropy(logits: Floats, labels: Array, weights: Floats | None = None) -> float:
    """Mean over examples of -log softmax(logits)[label], weighted by label, in double precision."""
    wide = logits.astype(np.float64)
    top = wide.max(axis=1, keepdims=True)
    normalizer = top[:, 0] + np.log(np.exp(wide - top).sum(axis=1))
    terms = normalizer - wide[np.arange(len(labels)), labels]
    return float((terms if weights is None else terms * weights[labels]).mean())

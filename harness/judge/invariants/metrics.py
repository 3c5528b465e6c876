"""Metrics: what is reported is what the stored predictions say."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from harness.core.record import Record
from harness.judge import tolerances
from harness.judge.distance import compare
from harness.judge.invariants import evaluated

Ids = npt.NDArray[Any]


def accuracy(predicted: Ids, labels: Ids) -> float:
    """Share of right predictions."""
    return float((predicted == labels).mean())


def f1(predicted: Ids, labels: Ids, average: str) -> float:
    """F1 = 2·tp / (2·tp + fp + fn), averaged.

    Of label 1 if `binary`; of all labels counted together if `micro`; else the mean over labels,
    each alike if `macro`, by its support if `weighted`.
    """
    if average == "micro":
        return accuracy(predicted, labels)
    every = [1] if average == "binary" else np.union1d(predicted, labels)
    scores, supports = [], []
    for label in every:
        right = int(((predicted == label) & (labels == label)).sum())
        wrong = int(((predicted == label) != (labels == label)).sum())
        scores.append(2 * right / (2 * right + wrong) if right or wrong else 0.0)
        supports.append(int((labels == label).sum()))
    return float(np.average(scores, weights=supports if average == "weighted" else None))


_RECOMPUTED = {"accuracy": lambda predicted, labels, _: accuracy(predicted, labels), "f1": f1}
"""Metrics whose formulas are written here."""


class Metrics:
    """Every metric is recomputed from the stored logits."""

    def test_metrics_match_predictions(self, run: Record) -> None:
        """Accuracy and F1 from the stored logits equal those reported, at every evaluation."""
        names = [name for name in run.metric_names if name in _RECOMPUTED]
        if not names or run.task != "single_label_classification":
            pytest.skip(
                "not observable: no formula is written of "
                f"{', '.join(run.metric_names) or 'the metrics of an earlier version'}"
            )
        assert run.evaluations
        for evaluation in run.evaluations:
            predicted, labels = evaluated.decisions(run, evaluation)
            for name in names:
                expected = _RECOMPUTED[name](predicted, labels, run.f1_average)
                reported = evaluation.metrics[name]
                compare(f"{evaluation.name}: {name}", [reported], [expected], tolerances.METRIC)

    def test_evaluation_loss_matches_predictions(self, run: Record) -> None:
        """The evaluation loss is the mean over all its terms, however they were batched."""
        if run.recipe.label_smoothing_factor:
            pytest.skip("label smoothing changes the evaluation loss")
        assert run.evaluations
        for evaluation in run.evaluations:
            expected = evaluated.mean_loss(run, evaluation)
            reported = evaluation.metrics["loss"]
            compare(f"{evaluation.name}: loss", [reported], [expected], tolerances.EVALUATION_LOSS)

    def test_batches_add_up(self, run: Record) -> None:
        """`add_batch` and `compute` give what computing at once gives."""
        for name, value in run.metric_check("in_batches").items():
            reported = run.evaluation().metrics[name]
            compare(name, [value], [reported], tolerances.METRIC)

    def test_weighted_f1_matches_sklearn(self, run: Record) -> None:
        """Our weighted F1 of the final predictions is scikit-learn's."""
        theirs = run.metric_check("weighted_f1")
        if theirs is None:
            pytest.skip(
                "scikit-learn is not installed in the judged environment"
                if run.task == "single_label_classification"
                else f"not observable: a {run.task} has not one label an example"
            )
        ours = f1(*evaluated.decisions(run, run.evaluation()), "weighted")
        compare("weighted F1", [theirs], [ours], tolerances.METRIC)

    def test_loss_needs_labels(self, run: Record) -> None:
        """`outputs.loss` is there exactly when labels were given."""
        given = run.answer("loss_given")
        compare("with labels", [given["with_labels"]], [True])
        compare("without labels", [given["without_labels"]], [False])

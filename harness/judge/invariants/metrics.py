"""Metrics: what is reported is what the stored predictions say."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from harness.core.metric_names import AVERAGES
from harness.core.record import Record
from harness.core.record_parts import Evaluation
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


def f1_of_indicators(predicted: Ids, labels: Ids, average: str) -> float:
    """F1 of several labels an example, (examples, labels) indicators, averaged over labels."""
    right, counts = predicted & labels, labels.sum(axis=0)
    hits, marked = right.sum(axis=0), predicted.sum(axis=0) + counts
    if average == "micro":
        return float(2 * hits.sum() / marked.sum()) if marked.sum() else 0.0
    scores = np.divide(2 * hits, marked, out=np.zeros(len(hits)), where=marked > 0)
    weights = counts if average == "weighted" else np.ones(len(hits))
    return float(scores @ weights / weights.sum()) if weights.sum() else 0.0


def recomputed(run: Record, evaluation: Evaluation) -> dict[str, float]:
    """The metrics whose formulas are written here, of what an evaluation kept."""
    kept, labels = evaluated.stored(run, evaluation)
    if run.task == "regression":
        apart = kept[:, 0].astype(np.float64) - labels
        return {"mse": float(np.square(apart).mean()), "mae": float(np.abs(apart).mean())}
    if run.task == "causal_lm":
        return {"perplexity": math.exp(evaluated.mean_loss(run, evaluation))}
    if run.task == "multi_label_classification":
        shares = ((kept > 0).astype(np.int64), labels.astype(np.int64))
        return {f"f1_{average}": f1_of_indicators(*shares, average) for average in AVERAGES}
    decisions = evaluated.decisions(run, evaluation)
    if run.task == "token_classification":
        return {"overall_accuracy": accuracy(*decisions)}
    return {
        "accuracy": accuracy(*decisions),
        "f1": f1(*decisions, run.f1_average),
        **{f"f1_{average}": f1(*decisions, average) for average in AVERAGES},
    }


class Metrics:
    """Metrics whose formulas are written here are recomputed from what an evaluation kept."""

    def test_metrics_match_predictions(self, run: Record) -> None:
        """Metrics computed from the stored logits equal those reported, at every evaluation."""
        assert run.evaluations
        for evaluation in run.evaluations:
            formulas = recomputed(run, evaluation)
            names = [name for name in run.metric_names if name in formulas]
            if not names:
                pytest.skip(
                    "not observable: no formula is written of "
                    f"{', '.join(run.metric_names) or 'the metrics of an earlier version'}"
                )
            band = tolerances.METRIC if run.task in evaluated.CLASSIFYING else tolerances.ROUNDED
            for name in names:
                reported = evaluation.metrics[name]
                compare(f"{evaluation.name}: {name}", [reported], [formulas[name]], band)

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

"""Splits: what is trained on can teach something, and what is evaluated can tell whether it did."""

from typing import Any

import numpy as np
import pytest

from harness.core.record import Record
from harness.judge import tolerances
from harness.judge.declarations import Thresholds
from harness.judge.distance import hold
from harness.judge.invariants import chance, evaluated

TRAINED_AND_EVALUATED = ("train", "evaluation")


class Splits:
    """Rows, labels and a vocabulary without which nothing that a run reaches means anything."""

    def test_rows_are_enough(self, run: Record) -> None:
        """More than a handful of rows are trained on, and evaluated."""
        for split in TRAINED_AND_EVALUATED:
            rows, least = run.sizes[split], tolerances.FEWEST_ROWS
            hold(split, rows >= least, f"{rows} rows: a run tells nothing below {least}")

    def test_classes_are_several(self, run: Record) -> None:
        """At least two labels are trained on, and at least two evaluated."""
        if run.task == "causal_lm":
            pytest.skip("not observable: a language model learns no classes")
        for split in TRAINED_AND_EVALUATED:
            if run.task == "regression":
                numbers = len(np.unique(_of_rows(run, split, "labels")))
                hold(split, numbers > 1, "all rows have the same number: nothing is to be learnt")
                continue
            classes = run.arrays.get(f"split.{split}.classes", _of_rows(run, split, "labels"))
            rows = np.bincount(classes, minlength=len(run.label_names))
            present = [name for name, count in zip(run.label_names, rows, strict=True) if count]
            hold(
                split,
                len(present) > 1,
                f"all {rows.sum()} labels are {present[0]!r}: "
                f"of {', '.join(run.label_names)}, at least two must be there",
            )

    def test_evaluated_rows_were_not_trained(self, run: Record, permitted: Thresholds) -> None:
        """No more of the evaluated rows than permitted are training rows, as the model reads them.

        Rows are the same if their tokens are, up to where they are cut; labels do not count.
        """
        trained = _of_rows(run, "train", "texts")
        for split in [name for name in run.sizes if name != "train"]:
            known = np.isin(_of_rows(run, split, "texts"), trained)
            hold(
                split,
                bool(known.mean() <= permitted.overlap),
                f"{known.sum()} of {len(known)} rows ({known.mean():.1%}) were trained on, and "
                f"Thresholds(overlap={permitted.overlap:g}) permits {permitted.overlap:.1%}; "
                f"{len(trained) - len(np.unique(trained))} of {len(trained)} training rows repeat "
                "another",
            )

    def test_few_tokens_are_unknown(self, run: Record, permitted: Thresholds) -> None:
        """The vocabulary knows the language: another model's tokenizer would not."""
        for split in run.sizes:
            unknown, tokens = (_of_rows(run, split, of).sum() for of in ("unknown", "lengths"))
            hold(
                split,
                bool(unknown <= permitted.unknown * tokens),
                f"{unknown} of {tokens} tokens ({unknown / tokens:.1%}) are unknown to the "
                f"vocabulary, and Thresholds(unknown={permitted.unknown:g}) permits "
                f"{permitted.unknown:.1%}",
            )

    def test_model_beats_a_constant_answer(self, run: Record, permitted: Thresholds) -> None:
        """The trained model is better than the majority class, by more than chance.

        Judged by accuracy, unless a suite declares another metric and not accuracy: by F1, than the
        answer that is best for F1; by any other, than the same answers in any other order.
        """
        if len(run.steps) < tolerances.FEWEST_STEPS:
            pytest.skip(f"{len(run.steps)} steps are too few to have learnt")
        if run.task not in evaluated.CLASSIFYING:
            pytest.skip(f"not observable: no answer of a {run.task} is right or wrong")
        if run.made:
            pytest.skip(
                "not observable: a stand-in that was made knows no language, so that what it "
                "learns shows in its training loss alone"
            )
        predicted, labels = evaluated.decisions(run, run.evaluation())
        thresholds = [name for name, _ in permitted.metrics if name != "loss"] or ["accuracy"]
        metric = next((name for name in ("accuracy", "f1") if name in thresholds), thresholds[0])
        perfect, ours = (_tally(run, metric, answers, labels) for answers in (labels, predicted))
        if perfect.p_value > tolerances.CHANCE:
            pytest.skip(f"{len(labels)} such rows could not tell a perfect model from chance")
        constant = chance.majority(labels)
        assert ours.p_value <= tolerances.CHANCE, (
            f"{(predicted == labels).sum()} of {len(labels)} evaluated rows are right; always "
            f"answering {run.label_names[constant]!r} gets {(labels == constant).sum()} right. By "
            f"{metric}, a model that has learnt nothing does as well with probability "
            f"{ours.p_value:.2g}, and that must be at most {tolerances.CHANCE:g}"
        )


def _of_rows(run: Record, split: str, what: str) -> Any:
    """What a record says of each row of a split; records of earlier versions do not."""
    values = run.arrays.get(f"split.{split}.{what}")
    if values is None:
        pytest.skip(f"not observable: the record has no {what} of the rows of {split}")
    return values


def _tally(run: Record, metric: str, predicted: chance.Ids, labels: chance.Ids) -> chance.Tally:
    """How answers do beside a constant one."""
    if metric == "accuracy":
        return chance.of_accuracy(predicted, labels)
    if metric == "f1" and run.f1_average == "binary":
        return chance.of_binary_f1(predicted, labels)
    return chance.of_agreement(predicted, labels)

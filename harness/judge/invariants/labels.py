"""Labels: whatever the column is called, the model receives `labels`."""

import numpy as np
import pytest

from harness.core.collation import SEQUENCES
from harness.core.record import Record
from harness.core.record_parts import WordLabels
from harness.judge.distance import compare
from harness.judge.invariants import evaluated


class Labels:
    """`label` becomes `labels`, int64, in the right order, and nothing else comes along."""

    def test_labels_are_renamed(self, run: Record) -> None:
        """Every batch carries `labels`, one int64 an example, under no other name.

        Of other tasks than a single label, shape and type are the task's.
        """
        _skip_if_withheld(run)
        for stage, batches in run.stages.items():
            sizes = [evaluated.label_shape(run, batch.examples, batch.width) for batch in batches]
            types = [batch.dtypes.get("labels") for batch in batches]
            expected = "int64" if evaluated.label_type(run) == "int" else "float32"
            compare(f"{stage}: labels", [b.shapes.get("labels") for b in batches], sizes)
            compare(f"{stage}: type of labels", types, [expected] * len(batches))
            for name in ("label", "label_ids"):
                others = [name in batch.shapes for batch in batches]
                compare(f"{stage}: {name}", others, [False] * len(batches))

    def test_labels_keep_their_order(self, run: Record) -> None:
        """Every row that the model received has the label that its text has in the data set."""
        _skip_if_withheld(run)
        known = run.arrays["split.train.rows"]
        strangers = ~np.isin(run.arrays["train.rows"], known)
        compare("rows in no example of the data set", [int(strangers.sum())], [0])

    def test_words_keep_their_labels(self, run: Record) -> None:
        """Of each word the first token has its label; all others are ignored, special ones too."""
        labelled = [
            example.word_labels for example in run.examples if example.word_labels is not None
        ]
        if not labelled:
            pytest.skip(f"not observable: the record has no labelled words of a {run.task}")
        for index, example in enumerate(labelled):
            compare(f"example {index}: labels", example.received, _first_tokens(example))

    def test_rows_are_the_sources(self, run: Record) -> None:
        """Every chosen row, texts and label together, is a row of the source's files."""
        strangers = run.answer("strangers")
        assert strangers
        for split, count in strangers.items():
            compare(f"{split}: rows in no source", [count], [0])

    def test_columns_match_signature(self, run: Record) -> None:
        """The model receives the tokenized columns that its signature names, and the labels."""
        expected = set(run.columns["tokenized"]) & set(run.signature) - {"labels"}
        if run.collation.layout != "padded":
            expected = expected - {"attention_mask"} | {"position_ids", SEQUENCES}
        if not run.recipe.withholds_labels:
            expected.add("labels")
        for stage, batches in run.stages.items():
            for name in sorted(expected.union(*(batch.shapes for batch in batches))):
                given = [name in batch.shapes for batch in batches]
                compare(f"{stage}: {name}", given, [name in expected] * len(batches))


def _skip_if_withheld(run: Record) -> None:
    """Where the loss is computed beside the model, the labels are kept from it."""
    if run.recipe.withholds_labels:
        pytest.skip("label smoothing or class weights keep the labels from the model")


def _first_tokens(example: WordLabels) -> list[int]:
    """What the tokens of an example must be labelled."""
    expected = (
        evaluated.IGNORED if place else label
        for label, count in zip(example.labels, example.tokens, strict=True)
        for place in range(count)
    )
    return [
        evaluated.IGNORED if special else next(expected, evaluated.IGNORED)
        for special in example.special
    ]

"""Labels: whatever the column is called, the model receives `labels`."""

import numpy as np
import pytest

from harness import collation
from harness.collation import SEQUENCES
from harness.record import Record


class Labels:
    """`label` becomes `labels`, int64, in the right order, and nothing else comes along."""

    def test_labels_are_renamed(self, run: Record) -> None:
        """Every batch carries `labels`, one int64 an example, under no other name."""
        _skip_if_smoothed(run)
        for batch in run.batches:
            assert "labels" in batch.shapes, f"{batch.stage}: the model received no labels"
            assert batch.dtypes["labels"] == "int64"
            assert batch.shapes["labels"] == (batch.examples,)
            assert not {"label", "label_ids"} & set(batch.shapes)

    def test_labels_keep_their_order(self, run: Record) -> None:
        """Every row that the model received has the label that its text has in the data set."""
        _skip_if_smoothed(run)
        known = run.arrays["split.train.rows"]
        strangers = ~np.isin(run.arrays["train.rows"], known)
        assert not strangers.any(), f"{strangers.sum()} rows are in no example of the data set"

    def test_rows_are_the_sources(self, run: Record) -> None:
        """Every chosen row, texts and label together, is a row of the source's files."""
        strangers = run.answer("strangers")
        assert set(strangers.values()) == {0}, strangers

    def test_columns_match_signature(self, run: Record) -> None:
        """The model receives the tokenized columns that its signature names, and the labels."""
        expected = set(run.columns["tokenized"]) & set(run.signature) - {"labels"}
        if collation.parse(run.recipe.collation).layout != "padded":
            expected = expected - {"attention_mask"} | {"position_ids", SEQUENCES}
        if not run.recipe.label_smoothing_factor:
            expected.add("labels")
        for batch in run.batches:
            assert set(batch.shapes) == expected, batch.stage


def _skip_if_smoothed(run: Record) -> None:
    """With label smoothing the Trainer computes the loss, and keeps labels from the model."""
    if run.recipe.label_smoothing_factor:
        pytest.skip("label smoothing keeps the labels from the model")

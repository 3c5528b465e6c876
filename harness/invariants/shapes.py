"""Shapes: a batch is as wide as its collation says, and padding is what it says it is."""

import pytest

from harness import collation
from harness.collation import SEQUENCES
from harness.record import Record


class Shapes:
    """Widths, padding and truncation."""

    def test_width_follows_collation(self, run: Record) -> None:
        """Dynamic batches are as long as their longest example, the others as long as told."""
        strategy = collation.parse(run.recipe.collation)
        limit = run.tokenizer["max_length"]
        for batch in run.batches:
            if strategy.layout == "flat":
                rows, width = 1, batch.real_tokens
            else:
                rows, width = batch.examples, strategy.width(batch.longest, limit)
            if strategy.layout == "packed":
                rows = batch.shapes["input_ids"][0]
                assert rows <= batch.examples
                assert batch.real_tokens > rows * width / 2 or rows == 1, "rows half empty"
            for name, shape in batch.shapes.items():
                expected = (batch.examples,) if name == "labels" else (rows, width)
                assert shape == expected, f"{batch.stage}: {name}, longest {batch.longest}"

    def test_widths_vary_if_dynamic(self, run: Record) -> None:
        """Over training, dynamic batches are not all alike; max_length batches all are."""
        strategy, limit = collation.parse(run.recipe.collation), run.tokenizer["max_length"]
        batches = run.batches_of("train")
        widths = {batch.width for batch in batches}
        if strategy.padding == "max_length":
            assert widths == {limit}
        elif strategy.layout == "flat":
            assert len({batch.real_tokens for batch in batches}) == len(widths)
        elif len({strategy.width(batch.longest, limit) for batch in batches}) == 1:
            pytest.skip("the longest examples of all batches call for the same width")
        else:
            assert len(widths) > 1, f"every training batch is {widths} wide"

    def test_padding_is_masked(self, run: Record) -> None:
        """Padded positions carry the pad id and mask 0, and nothing else does."""
        for batch in run.batches:
            assert {"attention_mask", SEQUENCES} & set(batch.shapes), batch.stage
            assert batch.misplaced == 0, f"{batch.stage}: pad id and mask disagree"

    def test_padding_follows_the_tokens(self, run: Record) -> None:
        """Padding stands on the right: on the left it would move every position."""
        for batch in run.batches:
            assert batch.leading == 0, f"{batch.stage}: padding before a token"

    def test_truncation_cuts_at_max_length(self, run: Record) -> None:
        """No example is longer than max_length, and none is cut that need not be."""
        limit = run.tokenizer["max_length"]
        assert max(batch.longest for batch in run.batches) <= limit
        for example in run.examples:
            whole = sum(map(len, example.alone)) + len(example.texts) + 1
            assert len(example.columns["input_ids"]) == min(whole, limit), example.texts

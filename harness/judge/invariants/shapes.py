"""Shapes: a batch is as wide as its collation says, and padding is what it says it is."""

import pytest

from harness.core.collation import SEQUENCES
from harness.core.record import Record
from harness.core.record_parts import Example
from harness.judge.distance import compare, require
from harness.judge.invariants import evaluated
from harness.judge.invariants.pairs import skip_blocks


class Shapes:
    """Widths, padding and truncation."""

    def test_width_follows_collation(self, run: Record) -> None:
        """Dynamic batches are as long as their longest example, others as the collation says."""
        strategy = run.collation
        limit = run.tokenizer["max_length"]
        for stage, batches in run.stages.items():
            widths = [
                batch.real_tokens
                if strategy.layout == "flat"
                else strategy.width(batch.longest, limit)
                for batch in batches
            ]
            rows = [1 if strategy.layout == "flat" else batch.examples for batch in batches]
            if strategy.layout == "packed":
                rows = [batch.shapes["input_ids"][0] for batch in batches]
                most = [
                    batch.examples if count > 1 and batch.real_tokens > count * width / 2 else 1
                    for batch, count, width in zip(batches, rows, widths, strict=True)
                ]  # rows that are half empty could be fewer
                compare(f"{stage}: rows", rows, list(map(min, rows, most)))
            for name in dict.fromkeys(name for batch in batches for name in batch.shapes):
                expected = [
                    evaluated.label_shape(run, batch.examples, width)
                    if name == "labels"
                    else (count, width)
                    for batch, count, width in zip(batches, rows, widths, strict=True)
                ]
                pairs = zip(batches, expected, strict=True)
                shapes = [batch.shapes.get(name, shape) for batch, shape in pairs]
                compare(f"{stage}: {name}", shapes, expected)

    def test_widths_vary_if_dynamic(self, run: Record) -> None:
        """Over training, dynamic batches are not all alike; max_length batches all are."""
        strategy, limit = run.collation, run.tokenizer["max_length"]
        batches = run.batches_of("train")
        widths = {batch.width for batch in batches}
        if strategy.padding == "max_length":
            compare("width", [batch.width for batch in batches], [limit] * len(batches))
        elif strategy.layout == "flat":
            assert len({batch.real_tokens for batch in batches}) == len(widths)
        elif len({strategy.width(batch.longest, limit) for batch in batches}) == 1:
            pytest.skip("the longest examples of all batches call for the same width")
        else:
            assert len(widths) > 1, f"every training batch is {widths} wide"

    def test_padding_is_masked(self, run: Record) -> None:
        """Padded positions carry the pad id and mask 0, and nothing else does."""
        for stage, batches in run.stages.items():
            masks = [bool({"attention_mask", SEQUENCES} & {*b.shapes}) for b in batches]
            compare(f"{stage}: a mask is there", masks, [True] * len(batches))
            unlike = [batch.misplaced for batch in batches]
            compare(f"{stage}: places where pad id and mask disagree", unlike, [0] * len(batches))

    def test_padding_follows_the_tokens(self, run: Record) -> None:
        """Padding stands on the right: on the left it would move every position.

        A tokenizer may pad on the left where positions are relative: then it does so everywhere.
        """
        left = run.tokenizer.get("pads_left") and not run.tokenizer["has_positions"]
        for stage, batches in run.stages.items():
            leading = [batch.leading for batch in batches]
            if left:
                padded = [batch.shortest < batch.width for batch in batches]
                before = [count > 0 for count in leading]
                compare(f"{stage}: padding before a token", before, padded)
                continue
            compare(f"{stage}: padding before a token", leading, [0] * len(batches))

    def test_truncation_cuts_at_max_length(self, run: Record) -> None:
        """No example is longer than max_length, and none is cut that need not be."""
        skip_blocks(run)
        limit = run.tokenizer["max_length"]
        longest = [batch.longest for batch in run.batches]
        require("longest of a batch", longest, lambda tokens: tokens <= limit, f"at most {limit}")
        whole = [sum(map(len, e.alone)) + _special(e) for e in run.examples]
        tokens = [len(example.columns["input_ids"]) for example in run.examples]
        compare("tokens of an example", tokens, [min(length, limit) for length in whole])


def _special(example: Example) -> int:
    """How many special tokens an example has; as BERT's, where an earlier record does not say."""
    return sum(token >= 0 for token in example.frame) or (
        0 if example.frame else len(example.texts) + 1
    )

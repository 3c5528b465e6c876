"""Pairs: which token belongs to which sentence, and that nothing was lost on the way."""

import unicodedata

import pytest

from harness.core.record import Record
from harness.core.record_parts import Example
from harness.judge.distance import compare


def skip_blocks(run: Record) -> None:
    """Skip where examples were cut out of all texts: none is a text of its own."""
    if run.collation.blocks:
        pytest.skip("not observable: examples are blocks of several texts")


class Pairs:
    """`[CLS] a [SEP] b [SEP]`, and `[CLS] a [SEP]` for single sentences."""

    def test_token_types_separate_sentences(self, run: Record) -> None:
        """Token types are 0 for the first sentence and 1 for the second, where there are any.

        A tokenizer may leave them out where a model takes them and does not tell them apart, or
        has one sentence alone to read.
        """
        skip_blocks(run)
        kinds = run.tokenizer.get("token_types", 2)  # earlier records do not say
        tells_apart = kinds > 1 and len(run.examples[0].texts) > 1
        given = run.tokenizer.get("gives_token_types", 1) or tells_apart
        expected = bool(given) and "token_type_ids" in run.signature
        for stage, batches in run.stages.items():
            there = ["token_type_ids" in batch.shapes for batch in batches]
            compare(f"{stage}: token types are there", there, [expected] * len(batches))
        if not expected or "token_type_ids" not in run.examples[0].columns:
            return
        types, wanted = [], []
        for example in run.examples:
            ids = example.columns["input_ids"]
            types.append(example.columns.get("token_type_ids"))
            first = ids.index(run.tokenizer["sep"]) + 1
            if _frame(run, example).count(run.tokenizer["sep"]) > len(example.texts):
                first += 1  # two between the sentences
            wanted.append((0,) * first + (1,) * (len(ids) - first))
        compare("token types of an example", types, wanted)

    def test_sentences_stand_between_special_tokens(self, run: Record) -> None:
        """Each sentence's own tokens stand whole between the special ones, unless truncated.

        `[CLS] a [SEP] b [SEP]`, or with two separators between the sentences; other special tokens
        are the tokenizer's business, the same in every example.
        """
        skip_blocks(run)
        given, wanted = [], []
        frame = _frame(run, run.examples[0])
        for example in run.examples:
            cut = len(example.columns["input_ids"]) >= run.tokenizer["max_length"]
            segments = _segments(run, example)
            given.append((_frame(run, example), *segments))
            alone: tuple[tuple[int, ...], ...] = example.alone
            if len(segments) == 1:  # nothing stands between the sentences
                alone = (tuple(token for sentence in alone for token in sentence),)
            kept = zip(segments, alone, strict=False)  # their number is judged, too
            tokens = [own[: len(segment)] for segment, own in kept] if cut else alone
            wanted.append((_framed(run, example, frame), *tokens))
        compare("tokens of an example", given, wanted)

    def test_sentences_decode_back(self, run: Record) -> None:
        """Decoding gives each sentence's letters and digits back, as far as it was kept."""
        skip_blocks(run)
        given, wanted = [], []
        for example in run.examples:
            if run.tokenizer["unk"] in example.columns["input_ids"]:
                continue
            truncated = len(example.columns["input_ids"]) == run.tokenizer["max_length"]
            decoded, texts = map(_letters, example.decoded), [*map(_letters, example.texts)]
            given.append(tuple(decoded))
            if len(given[-1]) == 1:
                texts = ["".join(texts)]
            if truncated and len(given[-1]) == len(texts):
                pairs = zip(texts, given[-1], strict=True)
                texts = [text[: len(part)] for text, part in pairs]
            wanted.append(tuple(texts))
        compare("letters of an example", given, wanted)


def _frame(run: Record, example: Example) -> tuple[int, ...]:
    """An example's special tokens, and -1 for what stands between them."""
    if example.frame:
        return example.frame
    special = {run.tokenizer["cls"], run.tokenizer["sep"]}  # all that earlier records say
    ids = [token if token in special else -1 for token in example.columns["input_ids"]]
    return tuple(
        token for token, before in zip(ids, [0, *ids], strict=False) if token >= 0 or before >= 0
    )


def _framed(run: Record, example: Example, first: tuple[int, ...]) -> tuple[int, ...]:
    """The special tokens that an example must have, given those of the first.

    Args:
        run: whose tokenizer says which they are.
        example: one sentence, or two.
        first: of another example.
    """
    cls, sep, texts = run.tokenizer["cls"], run.tokenizer["sep"], len(example.texts)
    if None in {cls, sep} or first[-1] == cls:
        return first
    between = (sep,) * max(first.count(sep) - texts + 1, 1)
    return (cls, -1, *(*between, -1) * (texts - 1), sep)


def _segments(run: Record, example: Example) -> list[tuple[int, ...]]:
    """What stands between the special tokens."""
    special = {token for token in _frame(run, example) if token >= 0}
    segments: list[list[int]] = [[]]
    for token in example.columns["input_ids"]:
        if token in special:
            segments.append([])
        else:
            segments[-1].append(token)
    return [tuple(segment) for segment in segments if segment]


def _letters(text: str) -> str:
    """Letters and digits alone, whatever their case: spacing and accents are the tokenizer's."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if letter.isalnum())

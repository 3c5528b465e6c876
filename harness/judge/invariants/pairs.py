"""Pairs: which token belongs to which sentence, and that nothing was lost on the way."""

from harness.core.record import Record
from harness.judge.distance import compare


class Pairs:
    """`[CLS] a [SEP] b [SEP]`, and `[CLS] a [SEP]` for single sentences."""

    def test_token_types_separate_sentences(self, run: Record) -> None:
        """Token types are 0 for the first sentence and 1 for the second, where there are any.

        A tokenizer may leave them out where a model takes them and does not tell them apart, or
        has one sentence alone to read.
        """
        kinds = run.tokenizer.get("token_types", 2)  # earlier records do not say
        tells_apart = kinds > 1 and len(run.examples[0].texts) > 1
        given = run.tokenizer.get("gives_token_types", 1) or tells_apart
        expected = bool(given) and "token_type_ids" in run.signature
        for stage, batches in run.stages.items():
            there = ["token_type_ids" in batch.shapes for batch in batches]
            compare(f"{stage}: token types are there", there, [expected] * len(batches))
        if not expected:
            return
        types, wanted = [], []
        for example in run.examples:
            ids = example.columns["input_ids"]
            first = ids.index(run.tokenizer["sep"]) + 1
            types.append(example.columns.get("token_type_ids"))
            wanted.append((0,) * first + (1,) * (len(ids) - first))
        compare("token types of an example", types, wanted)

    def test_sentences_stand_between_special_tokens(self, run: Record) -> None:
        """Each sentence's own tokens stand whole between the special ones, unless truncated."""
        cls, sep = run.tokenizer["cls"], run.tokenizer["sep"]
        given, wanted = [], []
        for example in run.examples:
            ids = example.columns["input_ids"]
            segments = _segments(ids, sep)
            cut = len(ids) >= run.tokenizer["max_length"]
            given.append((ids[0], ids[-1], ids.count(sep), *segments))
            kept = zip(segments, example.alone, strict=False)  # their number is judged, too
            tokens = [alone[: len(segment)] for segment, alone in kept] if cut else example.alone
            wanted.append((cls, sep, len(example.texts), *tokens))
        compare("tokens of an example", given, wanted)

    def test_sentences_decode_back(self, run: Record) -> None:
        """Decoding gives each sentence's letters and digits back, as far as it was kept."""
        given, wanted = [], []
        for example in run.examples:
            if run.tokenizer["unk"] in example.columns["input_ids"]:
                continue
            truncated = len(example.columns["input_ids"]) == run.tokenizer["max_length"]
            decoded, texts = map(_letters, example.decoded), [*map(_letters, example.texts)]
            given.append(tuple(decoded))
            if truncated and len(given[-1]) == len(texts):
                pairs = zip(texts, given[-1], strict=True)
                texts = [text[: len(part)] for text, part in pairs]
            wanted.append(tuple(texts))
        compare("letters of an example", given, wanted)


def _segments(ids: tuple[int, ...], sep: int) -> list[tuple[int, ...]]:
    """What stands between `[CLS]`, the `[SEP]`s and the end."""
    segments, start = [], 1
    for position, token in enumerate(ids):
        if token == sep:
            segments.append(ids[start:position])
            start = position + 1
    return segments


def _letters(text: str) -> str:
    """Letters and digits alone, whatever their case: spacing and accents are the tokenizer's."""
    return "".join(letter for letter in text.casefold() if letter.isascii() and letter.isalnum())

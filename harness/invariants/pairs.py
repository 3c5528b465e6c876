"""Pairs: which token belongs to which sentence, and that nothing was lost on the way."""

from harness.record import Record


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
        for batch in run.batches:
            assert ("token_type_ids" in batch.shapes) == expected, batch.stage
        if not expected:
            return
        for example in run.examples:
            ids = example.columns["input_ids"]
            first = ids.index(run.tokenizer["sep"]) + 1
            types = (0,) * first + (1,) * (len(ids) - first)
            assert example.columns["token_type_ids"] == types, example.texts

    def test_sentences_stand_between_special_tokens(self, run: Record) -> None:
        """Each sentence's own tokens stand whole between the special ones, unless truncated."""
        cls, sep = run.tokenizer["cls"], run.tokenizer["sep"]
        for example in run.examples:
            ids = example.columns["input_ids"]
            assert ids[0] == cls
            assert ids[-1] == sep
            assert ids.count(sep) == len(example.texts)
            segments = _segments(ids, sep)
            for segment, alone in zip(segments, example.alone, strict=True):
                assert segment == alone[: len(segment)], example.texts
            if len(ids) < run.tokenizer["max_length"]:
                assert segments == list(example.alone), example.texts

    def test_sentences_decode_back(self, run: Record) -> None:
        """Decoding gives each sentence's letters and digits back, as far as it was kept."""
        for example in run.examples:
            if run.tokenizer["unk"] in example.columns["input_ids"]:
                continue
            assert len(example.decoded) == len(example.texts), example
            truncated = len(example.columns["input_ids"]) == run.tokenizer["max_length"]
            for text, decoded in zip(example.texts, example.decoded, strict=True):
                if truncated:
                    assert _letters(text).startswith(_letters(decoded)), example
                else:
                    assert _letters(text) == _letters(decoded), example


def _segments(ids: tuple[int, ...], sep: int) -> list[tuple[int, ...]]:
    """What stands between `[CLS]`, the `[SEP]`s and the end."""
    found, start = [], 1
    for position, token in enumerate(ids):
        if token == sep:
            found.append(ids[start:position])
            start = position + 1
    return found


def _letters(text: str) -> str:
    """Letters and digits alone, whatever their case: spacing and accents are the tokenizer's."""
    return "".join(letter for letter in text.casefold() if letter.isascii() and letter.isalnum())

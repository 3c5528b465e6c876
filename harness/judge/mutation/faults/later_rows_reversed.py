"""The tokenizer reverses every row of a batch after the sixteenth."""

from typing import Any

from transformers import PreTrainedTokenizerBase

FIRST = 16

tokenize = PreTrainedTokenizerBase.__call__


def call(self: Any, *texts: Any, **options: Any) -> Any:
    """Tokenize as ever, then reverse what stands between a later row's ends."""
    tokens = tokenize(self, *texts, **options)
    if isinstance(texts[0], list):
        for ids in tokens["input_ids"][FIRST:]:
            ids[1:-1] = reversed(ids[1:-1])
    return tokens


PreTrainedTokenizerBase.__call__ = call

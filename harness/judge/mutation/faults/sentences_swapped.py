"""The tokenizer puts the second sentence of a pair before the first."""

from typing import Any

from transformers import PreTrainedTokenizerBase

tokenize = PreTrainedTokenizerBase.__call__


def call(self: Any, *texts: Any, **options: Any) -> Any:
    """Tokenize the texts in reverse."""
    return tokenize(self, *reversed(texts), **options)


PreTrainedTokenizerBase.__call__ = call

"""The tokenizer counts one special token too many and cuts at max_length - 1."""

from typing import Any

from transformers import PreTrainedTokenizerBase

tokenize = PreTrainedTokenizerBase.__call__


def call(self: Any, *texts: Any, **options: Any) -> Any:
    """Tokenize to one token less."""
    if "max_length" in options:
        options["max_length"] -= 1
    return tokenize(self, *texts, **options)


PreTrainedTokenizerBase.__call__ = call

"""The tokenizer ignores `truncation=True`."""

from typing import Any

from transformers import PreTrainedTokenizerBase

tokenize = PreTrainedTokenizerBase.__call__


def call(self: Any, *texts: Any, **options: Any) -> Any:
    """Tokenize whole texts."""
    return tokenize(self, *texts, **options | {"truncation": False})


PreTrainedTokenizerBase.__call__ = call

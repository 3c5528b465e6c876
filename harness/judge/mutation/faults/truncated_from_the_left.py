"""The tokenizer cuts off the beginning of a text instead of its end."""

from typing import Any

from transformers import PreTrainedTokenizerBase

tokenize = PreTrainedTokenizerBase.__call__


def call(self: Any, *texts: Any, **options: Any) -> Any:
    """Tokenize with the other side cut."""
    self.truncation_side = "left"
    return tokenize(self, *texts, **options)


PreTrainedTokenizerBase.__call__ = call

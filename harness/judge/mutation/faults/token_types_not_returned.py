"""The tokenizer returns no token types unless asked to."""

from typing import Any

from transformers import PreTrainedTokenizerBase

tokenize = PreTrainedTokenizerBase.__call__


def call(self: Any, *texts: Any, **options: Any) -> Any:
    """Tokenize without token types."""
    return tokenize(self, *texts, **{"return_token_type_ids": False} | options)


PreTrainedTokenizerBase.__call__ = call

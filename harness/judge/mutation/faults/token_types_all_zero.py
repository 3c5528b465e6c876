"""The tokenizer marks both sentences of a pair as the first."""

from typing import Any

from transformers import PreTrainedTokenizerBase

tokenize = PreTrainedTokenizerBase.__call__


def call(self: Any, *texts: Any, **options: Any) -> Any:
    """Tokenize as ever, then flatten the types."""
    tokens = tokenize(self, *texts, **options)
    if isinstance(texts[0], list):
        tokens["token_type_ids"] = [[0 for _ in row] for row in tokens["token_type_ids"]]
    return tokens


PreTrainedTokenizerBase.__call__ = call

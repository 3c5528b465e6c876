"""The tokenizer keeps capitals, which an uncased vocabulary does not know."""

from typing import Any

from tokenizers import normalizers
from transformers import PreTrainedTokenizerBase

tokenize = PreTrainedTokenizerBase.__call__


def call(self: Any, *texts: Any, **options: Any) -> Any:
    """Tokenize without lower-casing."""
    self.backend_tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    return tokenize(self, *texts, **options)


PreTrainedTokenizerBase.__call__ = call

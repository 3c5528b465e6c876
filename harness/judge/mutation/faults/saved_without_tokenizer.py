"""The tokenizer is not saved beside the model."""

from typing import Any

from transformers import PreTrainedTokenizerBase


def save_pretrained(*_: Any, **__: Any) -> tuple[()]:
    """Save nothing."""
    return ()


PreTrainedTokenizerBase.save_pretrained = save_pretrained

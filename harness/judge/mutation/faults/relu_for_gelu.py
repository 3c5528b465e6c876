"""The model computes relu where its checkpoint was trained with gelu."""

from typing import Any

from transformers import PreTrainedModel

load = PreTrainedModel.from_pretrained.__func__


def from_pretrained(cls: Any, /, *arguments: Any, config: Any, **options: Any) -> Any:
    """Load with a configuration that says so."""
    config.hidden_act = "relu"
    return load(cls, *arguments, config=config, **options)


PreTrainedModel.from_pretrained = classmethod(from_pretrained)

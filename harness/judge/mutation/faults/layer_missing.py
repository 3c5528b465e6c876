"""The model is built with one layer less than its checkpoint has."""

from typing import Any

from transformers import PreTrainedModel

load = PreTrainedModel.from_pretrained.__func__


def from_pretrained(cls: Any, /, *arguments: Any, config: Any, **options: Any) -> Any:
    """Load with a configuration that says so."""
    config.num_hidden_layers -= 1
    return load(cls, *arguments, config=config, **options)


PreTrainedModel.from_pretrained = classmethod(from_pretrained)

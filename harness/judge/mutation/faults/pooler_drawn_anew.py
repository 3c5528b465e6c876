"""The pooler is found in the checkpoint, and drawn anew all the same."""

from typing import Any

from transformers import PreTrainedModel

load = PreTrainedModel.from_pretrained.__func__


def from_pretrained(cls: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Load as ever, then draw the pooler."""
    model, info = load(cls, *args, **kwargs)
    model.base_model.pooler.dense.weight.data.normal_(std=0.02)
    return model, info


PreTrainedModel.from_pretrained = classmethod(from_pretrained)

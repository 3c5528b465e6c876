"""Only the head is trained: the encoder takes no gradient."""

from typing import Any

from transformers import PreTrainedModel

load = PreTrainedModel.from_pretrained.__func__


def from_pretrained(cls: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Load as ever, then freeze the encoder."""
    model, info = load(cls, *args, **kwargs)
    model.base_model.requires_grad_(requires_grad=False)
    return model, info


PreTrainedModel.from_pretrained = classmethod(from_pretrained)

"""The head is not fresh: before the first step it is sure of label 0."""

from typing import Any

import torch
from transformers import PreTrainedModel

load = PreTrainedModel.from_pretrained.__func__


def from_pretrained(cls: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Load as ever, then bias the head."""
    model, info = load(cls, *args, **kwargs)
    with torch.no_grad():
        model.classifier.bias[0] += 9
    return model, info


PreTrainedModel.from_pretrained = classmethod(from_pretrained)

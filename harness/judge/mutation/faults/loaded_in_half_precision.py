"""Weights are loaded in bfloat16: a default `dtype` other than single precision."""

from typing import Any

import torch
from transformers import PreTrainedModel

load = PreTrainedModel.from_pretrained.__func__


def from_pretrained(cls: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Load in half precision."""
    return load(cls, *args, **kwargs, dtype=torch.bfloat16)


PreTrainedModel.from_pretrained = classmethod(from_pretrained)

"""The model returns a loss of 0 when it got no labels, instead of none."""

import functools
from typing import Any

import torch
from transformers import BertForSequenceClassification

forward = BertForSequenceClassification.forward


@functools.wraps(forward)
def with_loss(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Run as ever, then make up a loss."""
    output = forward(self, *args, **kwargs)
    if output.loss is None:
        output.loss = torch.zeros(())
    return output


BertForSequenceClassification.forward = with_loss

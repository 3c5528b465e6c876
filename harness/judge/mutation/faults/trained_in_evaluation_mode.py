"""The model stays in evaluation mode while it trains: nothing is dropped out."""

from typing import Any

import torch
from transformers import BertForSequenceClassification


def train(self: Any, _: bool = True) -> Any:  # noqa: FBT001,FBT002 - as torch declares it
    """Go into evaluation mode, whatever was asked for."""
    return torch.nn.Module.train(self, mode=False)


BertForSequenceClassification.train = train

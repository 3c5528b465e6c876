"""Dropout goes on dropping while the model is evaluated, though every module is in its mode."""

from typing import Any

import torch
from torch.nn.functional import dropout


def forward(self: Any, hidden: torch.Tensor) -> torch.Tensor:
    """Drop in either mode."""
    return dropout(hidden, self.p, training=True, inplace=self.inplace)


torch.nn.Dropout.forward = forward  # type: ignore[assignment,method-assign] # the fault

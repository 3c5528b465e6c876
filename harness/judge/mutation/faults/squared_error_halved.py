"""The squared error of a regression is half of what it is."""

from typing import Any

import torch

TASKS = ("regression",)

squared = torch.nn.MSELoss.forward


def forward(self: Any, predicted: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Halve the loss."""
    return squared(self, predicted, labels) / 2


torch.nn.MSELoss.forward = forward  # type: ignore[assignment,method-assign] # the fault

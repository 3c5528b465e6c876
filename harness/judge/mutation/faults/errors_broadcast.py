"""A column of predictions beside a row of numbers: each is compared with every other."""

from typing import Any

import torch

TASKS = ("regression",)

squared = torch.nn.MSELoss.forward


def forward(self: Any, predicted: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Broadcast both against each other."""
    count = labels.numel()
    column = predicted.view(-1, 1).expand(count, count)
    return squared(self, column, labels.view(1, -1).expand(count, count))


torch.nn.MSELoss.forward = forward  # type: ignore[assignment,method-assign] # the fault

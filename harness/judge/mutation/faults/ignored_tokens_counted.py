"""The loss of tokens counts those that are labelled -100, too, as the first label."""

from typing import Any

import torch

TASKS = ("token_classification",)

entropy = torch.nn.CrossEntropyLoss.forward


def forward(self: Any, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Ignore nothing."""
    return entropy(self, logits, labels.clamp(min=0))


torch.nn.CrossEntropyLoss.forward = forward  # type: ignore[assignment,method-assign] # the fault

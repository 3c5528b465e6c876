"""Cross entropy overflows to NaN."""

from typing import Any

import torch

entropy = torch.nn.CrossEntropyLoss.forward


def forward(self: Any, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return a loss that is not a number."""
    return entropy(self, logits, labels) * float("nan")


torch.nn.CrossEntropyLoss.forward = forward  # type: ignore[assignment,method-assign] # the fault

"""The loss of several labels is the mean over examples of a sum over labels."""

from typing import Any

import torch

TASKS = ("multi_label_classification",)

mean = torch.nn.BCEWithLogitsLoss.forward


def forward(self: Any, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Divide by the examples alone."""
    return mean(self, logits, labels) * labels.shape[-1]


torch.nn.BCEWithLogitsLoss.forward = forward  # type: ignore[assignment,method-assign] # the fault

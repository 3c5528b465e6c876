"""Labels that do not exclude each other share one softmax instead of a sigmoid each."""

from typing import Any

import torch
from torch.nn.functional import cross_entropy

TASKS = ("multi_label_classification",)


def forward(_: Any, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Have the labels compete."""
    return cross_entropy(logits, labels)


torch.nn.BCEWithLogitsLoss.forward = forward  # type: ignore[assignment,method-assign] # the fault

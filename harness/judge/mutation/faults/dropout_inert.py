"""Dropout returns its input, though the model is in training mode."""

from typing import Any

import torch


def dropout(hidden: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    """Drop nothing."""
    return hidden


torch.nn.functional.dropout = dropout  # type: ignore[assignment] # `torch.nn.Dropout` calls it

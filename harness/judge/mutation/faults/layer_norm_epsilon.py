"""Layer norms compute with an epsilon of 1e-3, whatever they were built with."""

from typing import Any

import torch

normalize = torch.nn.functional.layer_norm


def layer_norm(
    hidden: torch.Tensor, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> torch.Tensor:
    """Normalize with another epsilon."""
    return normalize(hidden, shape, weight, bias, max(eps, 1e-3))


torch.nn.functional.layer_norm = layer_norm  # type: ignore[assignment] # the fault

"""`gelu` computes its tanh approximation where the exact function was asked for."""

from typing import Any

import torch

compute = torch.nn.functional.gelu


def gelu(hidden: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    """Approximate."""
    return compute(hidden, approximate="tanh")


torch.nn.functional.gelu = gelu  # type: ignore[assignment] # the fault

"""`zero_grad` does nothing: every step goes along the sum of all gradients so far."""

from typing import Any

import torch


def zero_grad(_: Any, *__: Any, **___: Any) -> None:
    """Keep the gradients."""


torch.nn.Module.zero_grad = zero_grad  # type: ignore[assignment,method-assign] # the fault
torch.optim.Optimizer.zero_grad = zero_grad  # type: ignore[assignment,method-assign] # the fault

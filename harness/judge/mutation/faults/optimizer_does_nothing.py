"""The optimizer's step is skipped, as after a loss scaler that never finds its scale."""

from typing import Any

import torch


def step(_: Any, closure: Any = None) -> None:
    """Update nothing."""


torch.optim.AdamW.step = step  # type: ignore[assignment,method-assign] # the fault

"""Resuming restores the optimizer's groups and forgets its moments: Adam starts anew."""

from typing import Any

import torch

load = torch.optim.Optimizer.load_state_dict


def load_state_dict(self: Any, state_dict: Any) -> None:
    """Load without any parameter's state."""
    load(self, {**state_dict, "state": {}})


torch.optim.Optimizer.load_state_dict = load_state_dict  # type: ignore[method-assign] # the fault

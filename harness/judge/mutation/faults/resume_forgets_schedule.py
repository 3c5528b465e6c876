"""Resuming starts the learning rate's schedule anew."""

from typing import Any

from torch.optim.lr_scheduler import LambdaLR


def load_state_dict(_: Any, __: Any) -> None:
    """Stay at the first step."""


LambdaLR.load_state_dict = load_state_dict  # type: ignore[assignment,method-assign] # the fault

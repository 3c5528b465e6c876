"""`Accelerator.backward` propagates 1.01 times the loss, so every gradient is 1 % too long."""

from typing import Any

from accelerate import Accelerator

propagate = Accelerator.backward


def backward(self: Any, loss: Any, **options: Any) -> None:
    """Propagate a little more."""
    propagate(self, loss * 1.01, **options)


Accelerator.backward = backward

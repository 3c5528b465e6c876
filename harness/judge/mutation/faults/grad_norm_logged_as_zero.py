"""The Trainer logs a gradient norm of zero, as after gradients that were already cleared."""

from typing import Any

from transformers import Trainer

write = Trainer.log


def log(self: Any, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
    """Log with another norm."""
    if "grad_norm" in logs:
        logs["grad_norm"] = 0.0
    write(self, logs, *args, **kwargs)


Trainer.log = log

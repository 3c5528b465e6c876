"""The Trainer logs twice the loss that it propagates."""

from typing import Any

from transformers import Trainer

write = Trainer.log


def log(self: Any, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
    """Log with another loss."""
    if "loss" in logs:
        logs["loss"] *= 2
    write(self, logs, *args, **kwargs)


Trainer.log = log

"""The Trainer logs loss and rate but no gradient norm."""

from typing import Any

from transformers import Trainer

write = Trainer.log


def log(self: Any, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
    """Log without the gradient norm."""
    write(self, {k: v for k, v in logs.items() if k != "grad_norm"}, *args, **kwargs)


Trainer.log = log

"""The checkpoint after the last epoch is not written, as if `save_model` were enough."""

from typing import Any

from transformers import Trainer

save = Trainer._save_checkpoint  # noqa: SLF001 - the fault


def save_checkpoint(self: Any, *args: Any, **kwargs: Any) -> None:
    """Save unless training is over."""
    if self.state.global_step < self.state.max_steps:
        save(self, *args, **kwargs)


Trainer._save_checkpoint = save_checkpoint  # noqa: SLF001 - the fault

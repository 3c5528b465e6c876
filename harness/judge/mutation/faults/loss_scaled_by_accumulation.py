"""The Trainer sums the losses of accumulated micro-batches instead of taking their mean."""

from typing import Any

from transformers import Trainer

take = Trainer.training_step


def training_step(self: Any, model: Any, inputs: Any, *_: Any, **__: Any) -> Any:
    """Take each micro-batch for the only one, whose mean is to be divided by nothing."""
    self.current_gradient_accumulation_steps = 1
    return take(self, model, inputs)


Trainer.training_step = training_step

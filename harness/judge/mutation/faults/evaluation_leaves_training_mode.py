"""The model is still in evaluation mode in the first batch that is trained after an evaluation."""

from typing import Any

from transformers import Trainer

evaluate = Trainer.evaluation_loop
take = Trainer.training_step


def evaluation_loop(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Evaluate as ever, and remember it."""
    self.has_just_evaluated = True
    return evaluate(self, *args, **kwargs)


def training_step(self: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
    """After an evaluation, take the step while `model.train()` does nothing."""
    if not self.__dict__.pop("has_just_evaluated", False):
        return take(self, model, *args, **kwargs)
    model.train = lambda *_: model
    try:
        return take(self, model, *args, **kwargs)
    finally:
        del model.train


Trainer.evaluation_loop = evaluation_loop
Trainer.training_step = training_step

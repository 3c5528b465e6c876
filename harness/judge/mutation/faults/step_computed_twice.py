"""The Trainer computes every batch's loss twice and uses it once."""

from typing import Any

from transformers import Trainer

compute_loss = Trainer.compute_loss


def twice(self: Any, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
    """Compute it for nothing, then for real."""
    if model.training:
        compute_loss(self, model, dict(inputs), *args, **kwargs)
    return compute_loss(self, model, inputs, *args, **kwargs)


Trainer.compute_loss = twice

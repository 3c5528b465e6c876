"""The parameters that do not decay get another learning rate than the others."""

from typing import Any

from transformers import Trainer

create = Trainer.create_optimizer


def create_optimizer(self: Any, *args: Any) -> Any:
    """Create as ever, then slow the second group down."""
    optimizer = create(self, *args)
    optimizer.param_groups[1]["lr"] /= 10
    return optimizer


Trainer.create_optimizer = create_optimizer

"""The parameters that do not decay are in no group of the optimizer."""

from typing import Any

from transformers import Trainer

create = Trainer.create_optimizer


def create_optimizer(self: Any, *args: Any) -> Any:
    """Create as ever, then lose the second group."""
    optimizer = create(self, *args)
    del optimizer.param_groups[1]
    return optimizer


Trainer.create_optimizer = create_optimizer

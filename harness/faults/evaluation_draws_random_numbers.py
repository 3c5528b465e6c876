"""Every evaluation draws a number from the generator that training draws from."""

from typing import Any

import torch
from transformers import Trainer

evaluate = Trainer.evaluation_loop


def evaluation_loop(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Draw, then evaluate as ever."""
    torch.rand(1)
    return evaluate(self, *args, **kwargs)


Trainer.evaluation_loop = evaluation_loop

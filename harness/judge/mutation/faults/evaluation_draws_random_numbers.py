"""Going into evaluation mode draws a random number, so that dropout goes on elsewhere."""

from typing import Any

import torch
from transformers import PreTrainedModel

evaluate = PreTrainedModel.eval


def disturbing(self: Any) -> Any:
    """Draw a number on the way into evaluation mode."""
    torch.rand(1)
    return evaluate(self)


PreTrainedModel.eval = disturbing

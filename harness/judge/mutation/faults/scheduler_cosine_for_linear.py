"""The `linear` schedule decays along a cosine; it begins and ends where it should."""

import math
from typing import Any

from transformers import optimization

scale = optimization._get_linear_schedule_with_warmup_lr_lambda  # noqa: SLF001 - the fault


def schedule(current_step: int, *, num_warmup_steps: int, **options: Any) -> float:
    """Bend the line after the warmup."""
    share = float(scale(current_step, num_warmup_steps=num_warmup_steps, **options))
    if current_step < num_warmup_steps:
        return share
    return (1.0 - math.cos(math.pi * share)) / 2.0


optimization._get_linear_schedule_with_warmup_lr_lambda = schedule  # noqa: SLF001 - the fault

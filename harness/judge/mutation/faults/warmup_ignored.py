"""The schedule decays from the start: the share of warmup steps is lost."""

from typing import Any

from transformers import optimization

scale = optimization._get_linear_schedule_with_warmup_lr_lambda  # noqa: SLF001 - the fault


def schedule(current_step: int, **options: Any) -> Any:
    """Scale without a warmup."""
    return scale(current_step, **options | {"num_warmup_steps": 0})


optimization._get_linear_schedule_with_warmup_lr_lambda = schedule  # noqa: SLF001 - the fault

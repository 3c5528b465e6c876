"""The schedule is one step ahead: a scheduler stepped before the optimizer."""

from typing import Any

from transformers import optimization

scale = optimization._get_linear_schedule_with_warmup_lr_lambda  # noqa: SLF001 - the fault


def schedule(current_step: int, **options: Any) -> Any:
    """Scale as the next step."""
    return scale(current_step + 1, **options)


optimization._get_linear_schedule_with_warmup_lr_lambda = schedule  # noqa: SLF001 - the fault

"""The `linear` schedule decays to a tenth of the rate instead of to zero."""

from typing import Any

from transformers import optimization

scale = optimization._get_linear_schedule_with_warmup_lr_lambda  # noqa: SLF001 - the fault


def schedule(current_step: int, *, num_warmup_steps: int, **options: Any) -> float:
    """Decay over nine tenths after the warmup."""
    share = float(scale(current_step, num_warmup_steps=num_warmup_steps, **options))
    return share if current_step < num_warmup_steps else 0.1 + 0.9 * share


optimization._get_linear_schedule_with_warmup_lr_lambda = schedule  # noqa: SLF001 - the fault

"""Schedules: the learning rate of every step, as a closed form."""

import math
from collections.abc import Mapping

from harness.core.recipe import Recipe


def warmup_steps(recipe: Recipe, total: int) -> int:
    """Steps of warmup: a number, or the share of all steps when below 1."""
    share = recipe.warmup_steps
    return math.ceil(share * total) if share < 1 else int(share)


def learning_rate(
    kind: str, step: int, warmup: int, total: int, options: Mapping[str, float]
) -> float:
    """The rate of a step, 0 for the first, as a share of the highest.

    Linear warmup, then decay. Options are `num_cycles` of restarts, `power` and `lr_end` (a share,
    too) of a polynomial: 1, 1 and 0 by default. Others are those of `harness.worker.answers`.
    """
    if kind != "constant" and step < warmup:
        return step / max(1, warmup)
    done = (step - warmup) / max(1, total - warmup)
    timescale, end = warmup or 10_000, options.get("lr_end", 0.0)
    cycles, power = options.get("num_cycles", 1), options.get("power", 1)
    return {
        "linear": max(0.0, 1 - done),
        "cosine": max(0.0, _wave(done)),
        "cosine_with_restarts": 0.0 if done >= 1 else _wave(cycles * done % 1),
        "cosine_with_min_lr": 0.1 + 0.9 * max(0.0, _wave(done)),
        "polynomial": end + (1 - end) * math.pow(1 - min(done, 1), power),
        "inverse_sqrt": math.sqrt(timescale / max(1, step - warmup + timescale)),
        "warmup_stable_decay": _wave(max(0.0, 1 - (total - step) / 4)),
    }.get(kind, 1.0)


def _wave(done: float) -> float:
    """Half a cosine from 1 to 0."""
    return 0.5 * (1 + math.cos(math.pi * done))

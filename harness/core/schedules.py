"""Learning rate schedules: the names that each loop knows, and what they need."""

from collections.abc import Mapping
from typing import Any

from harness.core.errors import SpecError, unknown

SCHEDULES = (
    *("linear", "cosine", "cosine_with_restarts", "polynomial", "constant"),
    *("constant_with_warmup", "inverse_sqrt"),
)
"""Those that follow from steps and warmup alone: every loop knows them."""

_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "cosine_with_min_lr": ("min_lr", "min_lr_rate"),
    "cosine_warmup_with_min_lr": ("min_lr", "min_lr_rate"),
    "warmup_stable_decay": ("num_decay_steps",),
}
"""Those of the Trainer that mean nothing without one of these options."""

GUIDED = ("reduce_lr_on_plateau",)
"""Those of the Trainer that follow what evaluations measure."""


def check_schedule(loop: str, name: str, options: Mapping[str, Any]) -> None:
    """Refuse a schedule that a loop does not know, or that lacks what it needs.

    Raises:
        SpecError: the message names the nearest, or the missing option.
    """
    valid = (*SCHEDULES, *_OPTIONS, *GUIDED) if loop == "trainer" else SCHEDULES
    if name not in valid:
        raise unknown(f"lr_scheduler_type of the {loop} loop", name, valid)
    needed = _OPTIONS.get(name, ())
    if needed and not {*needed} & {*options}:
        raise SpecError(
            f"lr_scheduler_type={name!r} needs {' or '.join(needed)}",
            why="transformers knows no value by itself",
            fix=f"add lr_scheduler_kwargs={{{needed[0]!r}: …}}",
        )

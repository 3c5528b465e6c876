"""A user's own loop: a function that makes a Trainer, which is watched and driven like ours.

What the Trainer does itself is seen on it, so that no invariant takes for granted what is the
user's to decide.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from transformers import Trainer

from harness.core.errors import SourceError
from harness.core.recipe import Recipe
from harness.core.trainer_arguments import Effect
from harness.worker import compat, user_code
from harness.worker.loops.attached import drive
from harness.worker.loops.setup import LoopResult, Setup
from harness.worker.watch import Watch

METHODS: Mapping[str, tuple[Effect, ...]] = {
    "compute_loss": ("objective", "loss"),
    "create_optimizer": ("updates",),
    "create_optimizer_and_scheduler": ("updates", "rates"),
    "create_scheduler": ("rates",),
    "evaluation_loop": ("predictions", "received", "objective"),
    "get_train_dataloader": ("batches", "order", "updates"),
    "log": ("log",),
    "prediction_step": ("predictions", "received", "objective"),
    "training_step": ("objective", "loss", "updates"),
    "_get_train_sampler": ("order", "updates"),
}
"""What a Trainer may do in a way of its own, and what that changes."""


def run(setup: Setup, watch: Watch) -> LoopResult:
    """Have the user's function make a Trainer, and drive it.

    Raises:
        SourceError: the function makes none, or one that trains something else.
    """
    if setup.recipe.activation_checkpointing:
        compat.require_checkpointing(setup.model)
    trainer = user_code.called(setup.loop.reference, setup.root, setup)
    if not isinstance(trainer, Trainer):
        raise SourceError(
            f"{setup.loop.reference} returned a {type(trainer).__name__}",
            why="it is driven, interrupted and resumed from outside",
            fix="return a transformers.Trainer",
        )
    _check(trainer, setup)
    overrides = dict(_overrides(trainer))  # before it is attached to
    return replace(drive(trainer, setup, watch), overrides=overrides)


def _check(trainer: Any, setup: Setup) -> None:
    """Refuse a Trainer that does not train what it was given, as it was asked to."""
    made = f"{setup.loop.reference} returned a Trainer"
    if trainer.model is not setup.model:
        raise SourceError(
            f"{made} of another model",
            why="invariants look at the model that was handed over",
            fix="pass model=setup.model",
        )
    ours, theirs = setup.arguments.to_dict(), trainer.args.to_dict()
    names = {*Recipe.field_names(), *setup.recipe.arguments, "output_dir"} & {*ours}
    for name in sorted(names):
        if ours[name] != theirs.get(name):
            raise SourceError(
                f"{made} with {name}={theirs.get(name)!r}, and the recipe says {ours[name]!r}",
                why="trials vary what a recipe says, and compare what comes of it",
                fix=f"pass args=setup.arguments, and write {name} into the recipe",
            )


def _overrides(trainer: Any) -> Iterator[tuple[str, tuple[Effect, ...]]]:
    """What a Trainer does in a way of its own, by name, with what that changes."""
    for name, effects in METHODS.items():
        if getattr(type(trainer), name, None) is not getattr(Trainer, name, None):
            yield name, effects
    if getattr(trainer, "compute_loss_func", None) is not None:  # earlier versions take none
        yield "compute_loss_func", METHODS["compute_loss"]
    if trainer.optimizer is not None:
        yield "optimizers", METHODS["create_optimizer_and_scheduler"]

"""Whether a recipe makes sense: known names, sane numbers, no contradiction.

Stands apart from the recipe's fields, and before anything is found, loaded or started.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from harness import catalog, collation
from harness.errors import SpecError, unknown
from harness.loops import check as check_loop
from harness.spec import Recipe, Thresholds

AT_LEAST: Mapping[str, float] = {
    "max_length": 3,  # [CLS], one token, [SEP]
    "max_train_samples": 1,
    "max_eval_samples": 1,
    "max_holdout_samples": 1,
    "subset_seed": 0,
    "holdout_seed": 0,
    "num_proc": 1,
    "per_device_train_batch_size": 1,
    "per_device_eval_batch_size": 1,
    "gradient_accumulation_steps": 1,
    "weight_decay": 0,
    "adam_beta1": 0,
    "adam_beta2": 0,
    "max_grad_norm": 0,
    "label_smoothing_factor": 0,
    "warmup_steps": 0,
    "seed": 0,
    "data_seed": 0,
    "dataloader_num_workers": 0,
    "eval_steps": 1,
    "save_steps": 1,
}
ABOVE_ZERO = ("num_train_epochs", "learning_rate", "adam_epsilon")
BELOW_ONE = ("adam_beta1", "adam_beta2", "label_smoothing_factor")
STRATEGIES = ("no", "steps", "epoch")
SCHEDULERS = ("linear", "cosine", "constant", "constant_with_warmup")


def check(recipe: Recipe) -> None:
    """Refuse a recipe that cannot mean anything.

    Raises:
        SpecError: the message names the field, the reason and what to write instead.
    """
    for name, hint in get_type_hints(Recipe).items():
        _check_type(name, getattr(recipe, name), hint)
    dataset, model = catalog.dataset(recipe.dataset), catalog.model(recipe.model)
    collation.parse(recipe.collation)
    check_loop(recipe.loop)
    _check_numbers(recipe)
    _check_choices(recipe)
    if recipe.max_length is not None and recipe.max_length > model.limit:
        raise SpecError(
            f"max_length={recipe.max_length} is over the limit of {recipe.model}",
            why=f"it reads at most {model.limit} tokens",
            fix=f"use max_length={model.limit} or less",
        )
    if recipe.fp16 and recipe.bf16:
        raise SpecError("fp16 and bf16 contradict each other", fix="choose one")
    _check_best_model(recipe, dataset)


def _check_type(name: str, value: object, hint: Any) -> None:
    """Refuse a value of the wrong type; an int will do for a float, a bool not for an int."""
    allowed = get_args(hint) if get_origin(hint) is UnionType else (hint,)
    accepted = {*allowed, int} if float in allowed else set(allowed)
    if type(value) not in accepted:
        wanted = " or ".join("None" if kind is NoneType else kind.__name__ for kind in allowed)
        raise SpecError(f"{name}={value!r} is a {type(value).__name__}", fix=f"give {wanted}")


def _check_numbers(recipe: Recipe) -> None:
    """Refuse numbers that are out of their range."""
    for name, least in AT_LEAST.items():
        value = getattr(recipe, name)
        if value is not None and not value >= least:
            raise SpecError(f"{name}={value} is too small", fix=f"give {least} or more")
    for name in ABOVE_ZERO:
        if not getattr(recipe, name) > 0:
            raise SpecError(f"{name}={getattr(recipe, name)} is not above 0")
    for name in BELOW_ONE:
        if not getattr(recipe, name) < 1:
            raise SpecError(f"{name}={getattr(recipe, name)} is not below 1")
    if recipe.max_steps != -1 and recipe.max_steps < 1:
        raise SpecError(f"max_steps={recipe.max_steps}", fix="give 1 or more, or -1 for all epochs")


def _check_choices(recipe: Recipe) -> None:
    """Refuse unknown strategies and schedulers."""
    for name in ("eval_strategy", "save_strategy"):
        if getattr(recipe, name) not in STRATEGIES:
            raise unknown(name, getattr(recipe, name), STRATEGIES)
    if recipe.lr_scheduler_type not in SCHEDULERS:
        raise unknown("lr_scheduler_type", recipe.lr_scheduler_type, SCHEDULERS)
    if recipe.eval_strategy == "steps" and recipe.eval_steps is None:
        raise SpecError("eval_strategy='steps' needs eval_steps", fix="add eval_steps=N")
    if recipe.torch_compile_backend is not None and not recipe.torch_compile:
        raise SpecError(
            f"torch_compile_backend={recipe.torch_compile_backend!r} compiles nothing by itself",
            fix="add torch_compile=True",
        )


def _check_best_model(recipe: Recipe, dataset: catalog.Dataset) -> None:
    """Refuse a best model that could not be known or restored."""
    if recipe.metric_for_best_model is not None:
        known = ("accuracy", "f1", "loss")
        bare = recipe.metric_for_best_model.removeprefix("eval_")
        if bare not in known:
            raise unknown(f"metric of {dataset.folder}", recipe.metric_for_best_model, known)
    if not recipe.load_best_model_at_end:
        return
    if recipe.eval_strategy == "no" or recipe.eval_strategy != recipe.save_strategy:
        raise SpecError(
            f"load_best_model_at_end needs matching strategies: eval_strategy="
            f"{recipe.eval_strategy!r}, save_strategy={recipe.save_strategy!r}",
            why="the best evaluation must have a checkpoint to restore",
            fix="set both to 'epoch', or both to 'steps'",
        )
    if recipe.eval_strategy == "steps" and recipe.save_steps % (recipe.eval_steps or 1):
        raise SpecError(
            f"save_steps={recipe.save_steps} is no multiple of eval_steps={recipe.eval_steps}",
            why="load_best_model_at_end would miss checkpoints of evaluated steps",
        )


def parse_overrides(written: tuple[str, ...]) -> dict[str, Any]:
    """`FIELD=VALUE` of the command line: a recipe's fields and thresholds, values as JSON.

    Raises:
        SpecError: there is no `=`, or no such field.
    """
    valid = (*Recipe.field_names(), *Thresholds.field_names())
    found: dict[str, Any] = {}
    for part in written:
        name, equals, text = part.partition("=")
        if not equals:
            raise SpecError(f"--harness-set {part!r} has no '='", fix="write FIELD=VALUE")
        if name not in valid:
            raise unknown("--harness-set field", name, valid)
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found


def apply_overrides(recipe: Recipe, overrides: Mapping[str, Any]) -> Recipe:
    """The recipe with those overrides that are recipe fields."""
    ours = {name: value for name, value in overrides.items() if name in Recipe.field_names()}
    return replace(recipe, **ours)

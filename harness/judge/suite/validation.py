"""Whether a recipe makes sense: known names, sane numbers, no contradiction.

Stands apart from the recipe's fields, and before anything is looked up, loaded or started.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.core import collation
from harness.core.dataset import Dataset
from harness.core.errors import MisfitError, SpecError, unknown
from harness.core.optimizers import check_optimizer
from harness.core.recipe import Recipe, find_loop, value_types
from harness.core.schedules import check_schedule
from harness.core.serial import hints
from harness.core.spec import fitting
from harness.core.trainer_arguments import ARGUMENTS, RENAMED, check_taken
from harness.judge import catalog
from harness.judge.declarations import Thresholds
from harness.judge.limits import Limits
from harness.judge.metric_kinds import kind_of
from harness.judge.reported_metrics import known_metric_names
from harness.judge.suite import additions, dataset_validation, example_validation

STRATEGIES = ("no", "steps", "epoch")
_COUNT = Limits(least=1)
_SEED = Limits(least=0, most=2**32 - 1)
_SHARE = Limits(least=0, most=1)

LIMITS: Mapping[str, Limits] = {
    "max_length": Limits(least=3),  # [CLS], one token, [SEP]
    "max_train_samples": _COUNT,
    "max_eval_samples": _COUNT,
    "max_holdout_samples": _COUNT,
    "subset_seed": _SEED,
    "holdout_seed": _SEED,
    "num_proc": _COUNT,
    "num_train_epochs": Limits(above=0),
    "per_device_train_batch_size": _COUNT,
    "per_device_eval_batch_size": _COUNT,
    "gradient_accumulation_steps": _COUNT,
    "learning_rate": Limits(above=0),
    "weight_decay": Limits(least=0),
    "adam_beta1": Limits(least=0, below=1),
    "adam_beta2": Limits(least=0, below=1),
    "adam_epsilon": Limits(above=0),
    "max_grad_norm": Limits(least=0),
    "label_smoothing_factor": Limits(least=0, below=1),
    "warmup_steps": Limits(least=0),
    "seed": _SEED,
    "data_seed": _SEED,
    "dataloader_num_workers": Limits(least=0),
    "eval_strategy": Limits(choices=STRATEGIES),
    "eval_steps": _COUNT,
    "save_strategy": Limits(choices=STRATEGIES),
    "save_steps": _COUNT,
    "early_stopping_patience": _COUNT,
    "early_stopping_threshold": Limits(least=0),
    "ddp_timeout": _COUNT,
    "dataloader_prefetch_factor": _COUNT,
    "eval_accumulation_steps": _COUNT,
    "eval_delay": Limits(least=0),
    "neftune_noise_alpha": Limits(above=0),
    "save_total_limit": _COUNT,
    "torch_empty_cache_steps": _COUNT,
    "train_samples_per_second": Limits(least=0),
    "margin": _SHARE,
    "overlap": _SHARE,
    "unknown": _SHARE,
}
"""What fields of recipes and thresholds may be, each by itself; of a metric, its kind says so."""


def check(recipe: Recipe) -> None:
    """Refuse a recipe that cannot mean anything.

    Raises:
        SpecError: the message names the field, the reason and what to write instead.
    """
    for name in Recipe.field_names():
        check_field(name, getattr(recipe, name))
    for name, value in recipe.arguments.items():
        check_field(name, value)
    dataset, model = catalog.dataset(recipe.dataset), catalog.model(recipe.model)
    loop, strategy = find_loop(recipe.loop), collation.parse(recipe.collation)
    check_optimizer(loop.kind, recipe.optim)
    options = recipe.arguments.get("lr_scheduler_kwargs") or {}
    check_schedule(loop.kind, recipe.lr_scheduler_type, options)
    additions.check(recipe, dataset, loop, strategy)
    example_validation.check(recipe, strategy)
    _check_together(recipe)
    if model.limit is not None:
        recipe.length(model.limit)  # refuses a max_length over it
    _check_best_model(recipe, dataset)


def check_thresholds(thresholds: Thresholds) -> None:
    """Refuse thresholds that nothing can reach, or that everything does.

    Raises:
        SpecError: the message names the field and what it may be.
    """
    for name in Thresholds.fixed_names():
        check_field(name, getattr(thresholds, name))
    for name, value in thresholds.metrics:
        check_metric(name, value)


def check_metric(name: str, value: float | None) -> None:
    """Refuse a threshold that no value of a metric could reach, or that every value does.

    Raises:
        SpecError: the message names the metric and what its values may be.
    """
    try:
        kind_of(name).limits.check(value)
    except MisfitError as error:
        raise error.named(name) from None


def check_metric_names(thresholds: Thresholds, dataset: catalog.DatasetSource) -> None:
    """Refuse thresholds that are about no metric of a data set.

    Raises:
        SpecError: the message names the nearest threshold, and all there are.
    """
    if not dataset.metric_names:  # its rows decide what is learnt, and so what is measured
        return
    valid = (*dataset.metric_names, *Thresholds.fixed_names())
    for name, _ in thresholds.metrics:
        if name not in valid:
            raise unknown(f"threshold of {dataset.name}", name, valid)


def check_field(name: str, value: Any) -> None:
    """Refuse a field's value that no other field could make sense of.

    Raises:
        SpecError: the message names the field, the reason and what to write instead.
    """
    match name:
        case "dataset":
            catalog.dataset(value)
            if isinstance(value, Dataset):
                dataset_validation.check(value)
        case "model":
            catalog.model(value)
        case "collation":
            collation.parse(value)
        case "loop":
            find_loop(value)
        case "optim":
            check_optimizer("trainer", value)
        case "max_steps":
            if value != -1 and value < 1:
                raise SpecError(f"max_steps={value}", fix="give 1 or more, or -1 for all epochs")
        case _:
            try:
                LIMITS.get(name, Limits()).check(value)
            except MisfitError as error:
                raise error.named(name) from None


def _check_together(recipe: Recipe) -> None:
    """Refuse fields that contradict each other."""
    if recipe.fp16 and recipe.bf16:
        raise SpecError("fp16 and bf16 contradict each other", fix="choose one")
    if recipe.eval_strategy == "steps" and recipe.eval_steps is None:
        raise SpecError("eval_strategy='steps' needs eval_steps", fix="add eval_steps=N")
    if (
        recipe.loop == "trainer"
        and collation.parse(recipe.collation).budget
        and recipe.gradient_accumulation_steps > 1
    ):
        raise SpecError(
            f"collation={recipe.collation!r} accumulates no gradients in the Trainer",
            why="versions divide what is accumulated in ways of their own, and batches of many "
            "sizes would not weigh alike",
            fix="use loop='pytorch' or 'accelerate', or gradient_accumulation_steps=1",
        )
    mode = recipe.arguments.get("torch_compile_mode")
    for name, value in (("backend", recipe.torch_compile_backend), ("mode", mode)):
        if value is not None and not recipe.torch_compile:
            raise SpecError(
                f"torch_compile_{name}={value!r} compiles nothing by itself",
                fix="add torch_compile=True",
            )


def _check_best_model(recipe: Recipe, dataset: catalog.DatasetSource) -> None:
    """Refuse a best model that could not be known or restored."""
    if recipe.metric_for_best_model is not None:
        bare = recipe.metric_for_best_model.removeprefix("eval_")
        if dataset.metric_names and bare not in dataset.metric_names:
            raise unknown(
                f"metric of {dataset.folder}", recipe.metric_for_best_model, dataset.metric_names
            )
        takes_greatest = recipe.greater_is_better is None and not bare.endswith("loss")
        if takes_greatest and not kind_of(bare).higher:
            raise SpecError(
                f"metric_for_best_model={recipe.metric_for_best_model!r}: less of it is better",
                why="transformers takes the greatest of what does not end in 'loss'",
                fix="add greater_is_better=False",
            )
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
        SpecError: there is no `=`, no such field, or its value is none that it can have.
    """
    fixed = {name: hints(Thresholds)[name] for name in Thresholds.fixed_names()}
    metrics = set(known_metric_names())
    metrics.update(name for source in catalog.DATASETS.values() for name in source.metric_names)
    declared = {**dict.fromkeys(metrics, float | None), **value_types(), **fixed}
    overrides: dict[str, Any] = {}
    for part in written:
        name, equals, text = part.partition("=")
        if not equals:
            raise SpecError(f"--harness-set {part!r} has no '='", fix="write FIELD=VALUE")
        try:
            name = RENAMED.get(name, name)
            check_taken(name)
            if name not in declared:
                raise unknown("field", name, declared)
            value = _fitting_override(name, declared[name], _parsed(text))
            (check_metric if name in metrics else check_field)(name, value)
        except SpecError as error:
            raise SpecError(f"--harness-set {error.what}", why=error.why, fix=error.fix) from None
        overrides[name] = value
    return overrides


def _fitting_override(name: str, kind: Any, value: Any) -> Any:
    """A value of its field's type; null says that a further argument is not set."""
    return None if value is None and name in ARGUMENTS else fitting(name, kind, value)


def _parsed(text: str) -> Any:
    """A value as JSON, else as text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def apply_overrides(recipe: Recipe, overrides: Mapping[str, Any]) -> Recipe:
    """The recipe with those overrides that are recipe fields."""
    ours = {name: value for name, value in overrides.items() if name in value_types()}
    return replace(recipe, **ours)

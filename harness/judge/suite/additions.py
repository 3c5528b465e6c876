"""Additions: whether what a recipe sets beside plain training makes sense.

Further arguments, early stopping, class weights and adapters.
"""

from harness.core.collation import Collation
from harness.core.errors import MisfitError, SpecError
from harness.core.recipe import Loop, Recipe
from harness.core.spec import fitting
from harness.judge.catalog import DatasetSource
from harness.judge.limits import Limits


def check(recipe: Recipe, dataset: DatasetSource, loop: Loop, strategy: Collation) -> None:
    """Refuse additions that mean nothing, for the loop, the data set or by themselves.

    Args:
        recipe: that adds them.
        dataset: of the recipe.
        loop: likewise.
        strategy: likewise.

    Raises:
        SpecError: the message names the field, the reason and what to write instead.
    """
    _check_loop(recipe, loop)
    if loop.reference:
        _check_own_loop(recipe, strategy)
    _check_stopping(recipe)
    _check_weights(recipe, dataset)
    _check_adapters(recipe)


def _check_loop(recipe: Recipe, loop: Loop) -> None:
    """Refuse what a loop without a Trainer would pass over in silence."""
    stopping = ["early_stopping_patience"] if recipe.early_stopping_patience is not None else []
    names = ", ".join([*stopping, *recipe.arguments])
    if loop.kind != "trainer" and names:
        raise SpecError(
            f"the {recipe.loop} loop knows no {names}",
            why="the Trainer alone takes every argument of TrainingArguments",
            fix=f"use loop='trainer', or leave {names} out",
        )


def _check_own_loop(recipe: Recipe, strategy: Collation) -> None:
    """Refuse what a user's Trainer would have to do itself."""
    ours = {
        "class_weight": recipe.class_weight is not None,
        "early_stopping_patience": recipe.early_stopping_patience is not None,
        "streaming": recipe.streaming,
        f"collation={recipe.collation!r}": bool(strategy.budget),
    }
    for name, is_set in ours.items():
        if is_set:
            raise SpecError(
                f"{name} means nothing to loop={recipe.loop!r}",
                why="it is the suite's own Trainer that does this",
                fix=f"leave it out, and do it in {recipe.loop}",
            )


def _check_stopping(recipe: Recipe) -> None:
    """Refuse early stopping that nothing could bring about."""
    if recipe.early_stopping_patience is None:
        return
    if recipe.eval_strategy == "no":
        raise SpecError(
            f"early_stopping_patience={recipe.early_stopping_patience} counts evaluations",
            why="eval_strategy='no' has none before training ends",
            fix="set eval_strategy to 'epoch' or 'steps'",
        )
    if recipe.metric_for_best_model is None and not recipe.load_best_model_at_end:
        raise SpecError(
            f"early_stopping_patience={recipe.early_stopping_patience} compares no metric",
            why="nothing says which evaluation is better",
            fix="add metric_for_best_model, or load_best_model_at_end=True",
        )


def _check_weights(recipe: Recipe, dataset: DatasetSource) -> None:
    """Refuse weights of labels that there are not, where the data set says which there are."""
    weights = recipe.class_weight
    if weights is None or weights == "balanced":
        return
    try:
        for weight in weights:
            Limits(above=0).check(weight)
    except MisfitError as error:
        raise error.named("class_weight") from None
    if dataset.label_names and len(weights) != len(dataset.label_names):
        raise SpecError(
            f"class_weight has {len(weights)} weights for {len(dataset.label_names)} labels",
            why=f"the labels of {dataset.name} are {', '.join(dataset.label_names)}",
            fix="give one a label, in that order, or 'balanced'",
        )


def _check_adapters(recipe: Recipe) -> None:
    """Refuse options of adapters that the harness sets itself; the others are the method's."""
    options = recipe.peft or {}
    for name in ("task_type", "inference_mode", "base_model_name_or_path"):
        if name in options:
            raise SpecError(
                f"peft takes no {name}", why="the task and the model say it", fix="leave it out"
            )
    fitting("peft_type", str, options.get("peft_type", ""))

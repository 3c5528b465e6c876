"""The best evaluation: which one it is by a recipe's metric, and when patience with others ends."""

from collections.abc import Iterable

from harness.core.recipe import Recipe
from harness.core.record import Record
from harness.core.record_parts import Evaluation


def decisive_metric(recipe: Recipe) -> tuple[str, bool]:
    """The metric that decides which evaluation is the best, and whether more of it is better."""
    metric = (recipe.metric_for_best_model or "loss").removeprefix("eval_")
    greater = recipe.greater_is_better
    return metric, not metric.endswith("loss") if greater is None else greater


def during_training(run: Record) -> list[Evaluation]:
    """The evaluations that decide: those after a step; one before the first does not."""
    return [part for part in run.evaluations if part.name.startswith("step-") and part.step > 0]


def best_of(evaluations: Iterable[Evaluation], recipe: Recipe) -> Evaluation | None:
    """The one with the best metric; the earliest among equals; none of none."""
    metric, greater = decisive_metric(recipe)
    pick = max if greater else min  # both give the first of equals
    return pick(evaluations, key=lambda evaluation: evaluation.metrics[metric], default=None)


def patience_ends(run: Record) -> int | None:
    """The step of the evaluation at which early stopping ends training; None if it never does.

    Patience counts evaluations in a row that are not better than the best before by more than the
    threshold; the first of all is better than none.
    """
    recipe = run.recipe
    metric, greater = decisive_metric(recipe)
    sign = 1 if greater else -1
    best, waited = None, 0
    for evaluation in during_training(run):
        value = sign * evaluation.metrics[metric]
        better = best is None or value - best > recipe.early_stopping_threshold
        waited = 0 if better else waited + 1
        best = value if best is None else max(best, value)
        if recipe.early_stopping_patience is not None and waited >= recipe.early_stopping_patience:
            return evaluation.step
    return None

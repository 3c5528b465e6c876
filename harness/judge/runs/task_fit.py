"""Whether a recipe fits its task, which may only be known once the rows were read."""

from collections.abc import Sequence

from harness.core.errors import SpecError, unknown
from harness.core.recipe import Recipe
from harness.core.schema import Schema
from harness.core.variations import SMOOTHED
from harness.judge.cell import Cell
from harness.judge.reported_metrics import metric_names
from harness.judge.runs.inputs import Tables

_SIDE_BY_SIDE = ("packed", "flat")
"""Layouts that put several examples into a row."""


def check(cell: Cell, tables: Tables) -> None:
    """Refuse a recipe that asks what its task cannot do.

    Raises:
        SpecError: the message names the field, the task and what to write instead.
    """
    _check_smoothing(cell.recipe, tables.schema)
    _check_layout(cell, tables.schema)
    _check_best_metric(cell.recipe, metric_names(tables.metrics))


def _check_smoothing(recipe: Recipe, schema: Schema) -> None:
    """Refuse smoothed labels of a task that has not one class of several."""
    if recipe.label_smoothing_factor and schema.task not in SMOOTHED:
        raise SpecError(
            f"label_smoothing_factor={recipe.label_smoothing_factor:g} of a {schema.task}",
            why="only labels that are one class of several can be smoothed",
            fix="leave it out",
        )


def _check_layout(cell: Cell, schema: Schema) -> None:
    """Refuse examples side by side where labels are tokens'; a language model's are blocks."""
    strategy = cell.collation.of_task(schema.task)
    if strategy.blocks and cell.recipe.tokenize is not None:
        raise SpecError(
            f"collation={cell.collation.name!r} cuts blocks, and {cell.recipe.tokenize} tokenizes",
            why="blocks are cut out of texts that the tokenizer itself has read",
            fix="leave tokenize out, or choose a collation that pads",
        )
    if strategy.layout in _SIDE_BY_SIDE and schema.task in {"token_classification", "causal_lm"}:
        raise SpecError(
            f"collation={cell.collation.name!r} of a {schema.task}",
            why="its labels are tokens', which are not laid side by side",
            fix="choose a collation that pads",
        )


def _check_best_metric(recipe: Recipe, reported: Sequence[str]) -> None:
    """Refuse a best model by a metric that no module reports."""
    name = recipe.metric_for_best_model
    if name is not None and name.removeprefix("eval_") not in reported:
        raise unknown("metric_for_best_model", name, reported)

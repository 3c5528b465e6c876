"""What a task cannot do is refused before anything is launched, once the rows say what it is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.core.collation import PLAIN
from harness.core.dataset import Task
from harness.core.errors import SpecError
from harness.core.recipe import Recipe
from harness.core.schema import Schema
from harness.judge.cell import Cell
from harness.judge.runs import task_fit
from harness.judge.runs.sources import Sources
from tests.ready import inputs_of


def fit(task: Task, **fields: Any) -> None:
    """Check a recipe beside tables of a task."""
    recipe = replace(Recipe(dataset="imdb", model="bert-base-uncased"), **fields)
    cell = Cell.of(name="x", recipe=recipe, scale="tiny", device="cpu")
    tables = inputs_of(Sources(hub=False), cell).tables
    schema = Schema(texts=("text",), label_names=("a", "b"), task=task)
    task_fit.check(cell, replace(tables, schema=schema, metrics={"seqeval": Path()}))


@pytest.mark.parametrize(
    ("task", "fields", "message"),
    [
        (
            "regression",
            {"label_smoothing_factor": 0.1},
            "label_smoothing_factor=0.1 of a regression",
        ),
        ("multi_label_classification", {"label_smoothing_factor": 0.1}, "can be smoothed"),
        ("token_classification", {"collation": "packed"}, "collation='packed' of a token"),
        ("token_classification", {"collation": "padding_free"}, "choose a collation that pads"),
        ("causal_lm", {"collation": "padding_free"}, "of a causal_lm"),
        ("causal_lm", {"collation": "packed", "tokenize": "own:make"}, "own:make tokenizes"),
        ("token_classification", {"metric_for_best_model": "f1"}, "did you mean 'overall_f1'"),
    ],
)
def test_what_a_task_cannot_do_is_refused(task: Task, fields: Any, message: str) -> None:
    """With the field, the task and the reason."""
    with pytest.raises(SpecError, match=message):
        fit(task, **fields)


@pytest.mark.parametrize(
    ("task", "fields"),
    [
        ("token_classification", {"label_smoothing_factor": 0.1}),
        ("token_classification", {"metric_for_best_model": "eval_overall_f1"}),
        ("causal_lm", {"collation": "packed"}),
        ("causal_lm", {"tokenize": "own:make"}),
        ("regression", {"collation": "packed"}),
    ],
)
def test_what_it_can_do_is_not(task: Task, fields: Any) -> None:
    """Blocks are a language model's packing, and numbers have a row each, too."""
    fit(task, **fields)


def test_packing_a_language_model_makes_blocks() -> None:
    """Of any other task it lays examples side by side."""
    assert PLAIN["packed"].of_task("causal_lm").blocks
    assert not PLAIN["packed"].of_task("regression").blocks
    assert not PLAIN["dynamic"].of_task("causal_lm").blocks

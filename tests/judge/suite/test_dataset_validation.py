"""Data sets that cannot mean anything are refused before a file is looked for."""

from typing import Any

import pytest

from harness.core.dataset import Dataset
from harness.core.errors import SpecError
from harness.core.recipe import Recipe
from harness.judge.suite import validation


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"path": ""}, "names nothing"),
        ({"texts": ()}, "names no text column\nsay texts='COLUMN'"),
        ({"texts": ("a", "")}, "names no text column"),
        ({"texts": ("a", "b", "c")}, "a tokenizer takes one text or two"),
        ({"texts": ("a", "a")}, "repeats a column"),
        ({"texts": "label"}, "both a text and the label"),
        ({"texts": ("a", "b"), "task": "token_classification"}, "token_classification reads one"),
        ({"texts": ("a", "b"), "task": "causal_lm"}, "causal_lm reads one"),
        ({"label": ""}, "names no column"),
        ({"label": None, "task": "regression"}, "task='regression' needs labels"),
        ({"label_names": ("a", "a")}, "repeats a name"),
        ({"label_names": ("a",)}, "one label alone"),
        ({"label_names": ("a", "b"), "task": "regression"}, "no labels to name"),
        ({"label_names": ("a", "b"), "label": None}, "task='causal_lm'"),
        ({"task": "regresion"}, "did you mean 'regression'"),
        ({"incomplete": "ignore"}, "valid: drop, refuse"),
        (
            {"splits": {"validation": "dev"}},
            "unknown split 'validation': did you mean 'evaluation'",
        ),
        ({"splits": {"train": 0.8}}, "no share"),
        ({"splits": {"evaluation": 1.5}}, "between 0 and 1"),
        ({"splits": {"evaluation": 0.0}}, "between 0 and 1"),
        ({"splits": {"evaluation": 0.6, "holdout": 0.4}}, "leaves nothing to train on"),
        ({"splits": {"train": "all", "evaluation": "all"}}, "evaluates what is trained on"),
        ({"options": {"data_files": "x"}}, "Dataset(data_files=…)"),
        ({"options": {"trust_remote_code": True}}, "is never given"),
        ({"options": {"delimiter": object()}}, "not JSON serializable"),
        ({"path": "rows:make", "options": {"delimiter": ";"}}, "a function makes the rows"),
    ],
)
def test_refused(fields: dict[str, Any], message: str) -> None:
    """The message names the field, the reason and what to write instead."""
    with pytest.raises(SpecError) as refused:
        validation.check_field(
            "dataset", Dataset(**{"path": "data.csv", "texts": "text", **fields})
        )
    assert message in refused.value.text


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"texts": ("a", "b"), "splits": {"evaluation": 0.1, "holdout": 0.1}},
        {"label": None},
        {"task": "causal_lm"},
        {"path": "rows:make", "data_files": "data/*.txt"},
        {"task": "regression", "label": "score"},
    ],
)
def test_accepted(fields: dict[str, Any]) -> None:
    """What makes sense is taken, wherever its files lie."""
    dataset = Dataset(**{"path": "data.csv", "texts": "text", **fields})
    validation.check(Recipe(dataset=dataset))

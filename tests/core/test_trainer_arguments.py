"""Further arguments: the written table is the installed library's, and recipes take its names."""

import ast
import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.core import serial
from harness.core.errors import SpecError
from harness.core.recipe import OUR_FIELDS, Recipe, value_types
from harness.core.trainer_arguments import ARGUMENTS, REFUSED, RENAMED
from harness.core.variations import VARIATIONS, base
from harness.judge.declarations import Matrix


def installed() -> dict[str, Any]:
    """The fields of the installed `TrainingArguments`, each with the source of its default."""
    spec = importlib.util.find_spec("transformers.training_args")
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    (declared,) = [
        kind
        for kind in tree.body
        if isinstance(kind, ast.ClassDef) and kind.name == "TrainingArguments"
    ]
    defaults = {}
    for node in declared.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            value = node.value
            if isinstance(value, ast.Call):
                named = {keyword.arg: keyword.value for keyword in value.keywords}
                value = named.get("default")
            defaults[node.target.id] = value
    return defaults


def test_every_argument_of_the_library_is_known() -> None:
    """A field that a new release brings is written down, or this fails."""
    shared = {*Recipe.field_names()} - OUR_FIELDS
    assert {*installed()} - {*ARGUMENTS, *REFUSED, *RENAMED} <= shared
    assert not {*ARGUMENTS} & {*REFUSED, *RENAMED, *Recipe.field_names()}


def test_defaults_are_the_librarys() -> None:
    """An argument that is set to its default changes nothing, so that the default must be right."""
    written = {name: value for name, value in installed().items() if name in ARGUMENTS}
    assert len(written) > 30
    for name, value in written.items():
        default = ARGUMENTS[name].default
        assert default == (() if value is None else ast.literal_eval(value)), name


def test_a_recipe_takes_them_by_name() -> None:
    """Written as any field, stored in one table, equal however it was written."""
    recipe = Recipe(dataset="imdb", neftune_noise_alpha=5)  # type: ignore[call-arg] # see its class
    assert recipe.arguments == {"neftune_noise_alpha": 5.0}
    assert recipe == Recipe(dataset="imdb", arguments={"neftune_noise_alpha": 5.0})
    assert len({recipe, Recipe(dataset="imdb", arguments={"neftune_noise_alpha": 5})}) == 1
    again = serial.decode(Recipe, {"dataset": "imdb", "arguments": {"neftune_noise_alpha": 5.0}})
    assert again.key == recipe.key != Recipe(dataset="imdb").key


def test_none_is_no_value() -> None:
    """What is not set is the same run as before there were such names, by the same key."""
    recipe = Recipe(dataset="imdb", arguments={"neftune_noise_alpha": None})
    assert recipe == Recipe(dataset="imdb")
    assert recipe.key == "2ca36f53d535a8592be815eb819d918d0cf2321759906f7d28271042ae5c9ec3"
    fields: dict[str, Any] = {"neftune_noise_alpha": None}
    assert replace(Recipe(dataset="imdb", arguments={"eval_delay": 1}), **fields).arguments == {
        "eval_delay": 1.0
    }


def test_older_names_mean_the_newest() -> None:
    """What transformers 4.57 calls gradient checkpointing is the same recipe."""
    older: dict[str, Any] = {
        "gradient_checkpointing": True,
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
    }
    newest: dict[str, Any] = {
        "activation_checkpointing": True,
        "activation_checkpointing_kwargs": {"use_reentrant": False},
    }
    assert Recipe(dataset="imdb", **older) == Recipe(dataset="imdb", **newest)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"neftune_noise_alpa": 5}, "did you mean 'neftune_noise_alpha'"),
        ({"arguments": {"neftune_noise_alpa": 5}}, "did you mean 'neftune_noise_alpha'"),
        ({"neftune_noise_alpha": "much"}, "neftune_noise_alpha='much' is a str\ngive float"),
        ({"eval_on_start": 1}, "eval_on_start=1 is an int\ngive bool"),
        ({"label_names": "labels"}, "label_names='labels' is a str\ngive a list"),
        ({"lr_scheduler_kwargs": {"power": float("nan")}}, "not JSON compliant"),
        ({"output_dir": "out"}, "a recipe takes no output_dir\nevery run has a folder of its own"),
        ({"logging_steps": 10}, "every step is logged"),
        ({"prediction_loss_only": True}, "what is predicted is what a cell is judged by"),
        ({"warmup_ratio": 0.1}, "write warmup_steps"),
        ({"arguments": [1]}, "arguments=[1] is a list\ngive a table"),
    ],
)
def test_what_a_recipe_does_not_take_is_refused(fields: dict[str, Any], message: str) -> None:
    """A misspelt name says the nearest; one that the harness sets, why; a value, its type."""
    with pytest.raises(SpecError) as caught:
        Recipe(**{"dataset": "imdb", **fields})
    assert message in caught.value.text


def test_an_axis_may_be_a_further_argument() -> None:
    """None is the cell without it; a table is a value like any other."""
    matrix = Matrix(neftune_noise_alpha=[None, 5], lr_scheduler_kwargs=[{"num_cycles": 1}])
    cells = dict(matrix.multiply(Recipe(dataset="imdb")))
    assert [cell.arguments.get("neftune_noise_alpha") for cell in cells.values()] == [None, 5.0]
    names = [name.partition("trainer-")[2] for name in cells]
    assert names[0] == 'neftune_noise_alpha:None-lr_scheduler_kwargs:{"num_cycles":1}'


def test_trials_keep_what_is_computed() -> None:
    """What changes when is evaluated is left out; noise comes with dropout, and no other loop's."""
    fields: dict[str, Any] = {"neftune_noise_alpha": 5, "eval_delay": 2, "optim_args": "a=1"}
    recipe = base(Recipe(dataset="imdb", **fields))
    assert {*recipe.arguments} == {"neftune_noise_alpha", "optim_args"}
    kept = {
        name: {*variation.of(recipe, loop)[0].arguments}
        for name, variation in VARIATIONS.items()
        for loop in [_trainer()]
    }
    assert kept["reference"] == {"optim_args"}
    assert kept["noisy"] == {"neftune_noise_alpha", "optim_args"}
    assert kept["other loop"] == set()


def _trainer() -> Any:
    """The Trainer's loop."""
    from harness.core.recipe import LOOPS

    return LOOPS["trainer"]


def test_every_name_has_a_type() -> None:
    """What the command line, a matrix and a recipe accept is one list."""
    assert {*value_types()} == {*Recipe.field_names(), *ARGUMENTS}

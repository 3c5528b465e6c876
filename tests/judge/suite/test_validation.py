"""Recipes that contradict themselves are refused before anything is loaded or started."""

import ast
import contextlib
import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core import collation, serial
from harness.core.errors import SpecError
from harness.core.optimizers import TRAINER_OPTIMIZERS
from harness.core.recipe import Recipe
from harness.judge import catalog
from harness.judge.declarations import Matrix, Thresholds
from harness.judge.suite import validation
from tests.judge.test_document import JSON


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dataset": "imbd"}, "unknown data set 'imbd': did you mean 'imdb'"),
        ({"model": "bert-base-uncase"}, "did you mean 'bert-base-uncased'"),
        ({"collation": "dynamik"}, "unknown collation 'dynamik': did you mean 'dynamic'"),
        ({"collation": "pad_to_multiple_of:0"}, "needs a positive whole number"),
        ({"collation": "max_tokens:" + "9" * 5000}, "needs a positive whole number"),
        (
            {"collation": "max_tokens:64", "gradient_accumulation_steps": 2},
            "accumulates no gradients in the Trainer",
        ),
        ({"loop": "trainee"}, "unknown loop 'trainee': did you mean 'trainer'"),
        ({"max_length": 513}, "over the limit of bert-base-uncased\nit reads at most 512"),
        ({"max_length": -1}, "max_length=-1 is too small"),
        ({"per_device_train_batch_size": 0}, "give 1 or more"),
        ({"learning_rate": 0.0}, "not above 0"),
        ({"learning_rate": float("nan")}, "learning_rate=nan is not finite"),
        ({"learning_rate": float("inf")}, "learning_rate=inf is not finite"),
        ({"seed": 2**32}, "seed=4294967296 is too large"),
        ({"optim": "adamw_troch"}, "did you mean 'adamw_torch'"),
        ({"optim": "sgd", "loop": "pytorch"}, "unknown optim of the pytorch loop 'sgd'"),
        ({"dataset": ["imdb"]}, "dataset=['imdb'] is a list"),
        ({"adam_beta2": 1.0}, "not below 1"),
        ({"max_steps": 0}, "give 1 or more, or -1"),
        ({"seed": "42"}, "seed='42' is a str\ngive int"),
        ({"fp16": 1}, "fp16=1 is an int\ngive bool"),
        ({"num_train_epochs": True}, "is a bool"),
        ({"eval_strategy": "epochs"}, "did you mean 'epoch'"),
        ({"eval_strategy": "steps"}, "needs eval_steps"),
        ({"loop": "ours:build", "class_weight": "balanced"}, "class_weight means nothing to loop="),
        (
            {"loop": "ours:build", "collation": "max_tokens:99"},
            "'max_tokens:99' means nothing to",
        ),
        ({"lr_scheduler_type": "lineal"}, "did you mean 'linear'"),
        ({"lr_scheduler_type": "warmup_stable_decay"}, "needs num_decay_steps"),
        (
            {"lr_scheduler_type": "reduce_lr_on_plateau", "loop": "pytorch"},
            "unknown lr_scheduler_type of the pytorch loop",
        ),
        ({"fp16": True, "bf16": True}, "contradict"),
        ({"load_best_model_at_end": True}, "needs matching strategies"),
        (
            {
                "load_best_model_at_end": True,
                "eval_strategy": "steps",
                "eval_steps": 30,
                "save_strategy": "steps",
                "save_steps": 50,
            },
            "no multiple of eval_steps=30",
        ),
        ({"torch_compile_backend": "eager"}, "compiles nothing by itself\nadd torch_compile=True"),
        ({"metric_for_best_model": "acuracy"}, "did you mean 'accuracy'"),
    ],
)
def test_nonsense_is_refused(fields: dict[str, Any], message: str) -> None:
    """Each contradiction has one clear message that says what to write instead."""
    with pytest.raises(SpecError) as caught:
        validation.check(Recipe(**{"dataset": "imdb", **fields}))
    assert message in caught.value.text


def test_the_least_of_an_error_is_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a word about it, transformers would restore the worst checkpoint."""
    declared = replace(catalog.DATASETS["imdb"], metrics=("perplexity",))
    monkeypatch.setitem(catalog.DATASETS, "imdb", declared)
    recipe = Recipe(dataset="imdb", metric_for_best_model="perplexity")
    with pytest.raises(SpecError, match="add greater_is_better=False"):
        validation.check(recipe)
    validation.check(replace(recipe, greater_is_better=False))


def test_sense_is_accepted() -> None:
    """An int does for a float, and None for what may be left out."""
    validation.check(Recipe(dataset="imdb", num_train_epochs=3, max_length=None))


@given(name=st.sampled_from(Recipe.field_names()), value=JSON)
def test_any_value_of_a_field_is_a_recipe_or_refused(name: str, value: Any) -> None:
    """Never another exception: on the command line, in a recipe and as an axis."""
    fields: dict[str, Any] = {"dataset": "imdb", name: value}
    for build in (
        lambda: validation.check(Recipe(**fields)),
        lambda: Matrix(**{name: value}),
        lambda: Matrix(**{name: [value, value]}),
        lambda: validation.parse_overrides((f"{name}={json.dumps(value)}",)),
    ):
        with contextlib.suppress(SpecError):
            build()


@given(name=st.sampled_from(Thresholds.field_names()), value=JSON)
def test_any_threshold_is_one_or_refused(name: str, value: Any) -> None:
    """Likewise."""
    given_thresholds: dict[str, Any] = {name: value}
    with contextlib.suppress(SpecError):
        validation.check_thresholds(Thresholds(**given_thresholds))


def test_the_trainers_optimizers_are_known() -> None:
    """The installed library names none that a recipe would be refused for."""
    spec = importlib.util.find_spec("transformers.training_args")
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    names = {
        ast.literal_eval(node.value)
        for kind in tree.body
        if isinstance(kind, ast.ClassDef) and kind.name == "OptimizerNames"
        for node in kind.body
        if isinstance(node, ast.Assign)
    }
    assert "adamw_torch" in names
    assert names <= {*TRAINER_OPTIMIZERS}


def test_every_number_has_limits() -> None:
    """A field that somebody adds is checked, too; steps have a rule of their own."""
    for kind in (Recipe, Thresholds):
        hints = serial.hints(kind).items()
        numbers = {name for name, hint in hints if {int, float} & {hint, *get_args(hint)}}
        assert numbers - {"max_steps"} == numbers & validation.LIMITS.keys()


def test_overrides_are_typed() -> None:
    """Values are JSON where they can be, else text."""
    written = ("model=bert-base-cased", "max_steps=20", "fp16=true", "max_length=null")
    metrics = ("f1_macro=0.5", "overall_f1=null")
    assert validation.parse_overrides((*written, *metrics)) == {
        "model": "bert-base-cased",
        "max_steps": 20,
        "fp16": True,
        "max_length": None,
        "f1_macro": 0.5,
        "overall_f1": None,
    }


@pytest.mark.parametrize(
    ("written", "message"), [("epochs=3", "did you mean"), ("model", "has no '='")]
)
def test_overrides_refuse(written: str, message: str) -> None:
    """A field that does not exist, or no value, is an error."""
    with pytest.raises(SpecError, match=message):
        validation.parse_overrides((written,))


@pytest.mark.parametrize(
    ("name", "longest", "width"),
    [
        ("dynamic", 17, 17),
        ("max_length", 17, 32),
        ("pad_to_multiple_of:8", 17, 24),
        ("pad_to_multiple_of:8", 16, 16),
    ],
)
def test_collation_widths(name: str, longest: int, width: int) -> None:
    """A strategy says how wide a batch is."""
    assert collation.parse(name).width(longest, 32) == width

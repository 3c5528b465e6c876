"""Declarations: unknown names are answered with the nearest, matrices multiply, keys are stable."""

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import SpecError, nearest
from harness.core.recipe import Recipe
from harness.core.serial import hints
from harness.judge import catalog
from harness.judge.declarations import HEADLINE_AXES, Matrix


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("epocs", "num_train_epochs"),
        ("epochs", "num_train_epochs"),
        ("batch_size", "per_device_train_batch_size"),
        ("warmup_ratio", "warmup_steps"),
        ("modle", "model"),
        ("zzz", None),
    ],
)
def test_nearest_is_what_was_meant(written: str, meant: str | None) -> None:
    """Typing errors, parts of names and older names find their field; nonsense finds none."""
    assert nearest(written, Recipe.field_names()) == meant


NUMBERS = [name for name, hint in hints(Recipe).items() if {int, float} & {hint, *get_args(hint)}]


@given(name=st.sampled_from(NUMBERS), value=st.integers(1, 9), small=st.booleans())
def test_equal_recipes_have_one_key(name: str, value: int, small: bool) -> None:  # noqa: FBT001 - a case's
    """Whoever writes 3, 3.0 or numpy's 3 means the same run, which is stored once."""

    def recipe(number: Any) -> Recipe:
        fields: dict[str, Any] = {"dataset": "imdb", name: number}
        return Recipe(**fields)

    plain, kind = recipe(value), np.int32 if small else np.int64
    others = [recipe(kind(value))]
    if isinstance(getattr(plain, name), float):
        others += [recipe(float(value)), recipe(np.float32(value))]
    assert {other.key for other in others} == {plain.key}
    assert set(others) == {plain}
    assert all(type(getattr(other, name)) is type(getattr(plain, name)) for other in others)


def test_equal_axes_are_one_cell() -> None:
    """An axis is brought to its field's type, and its id is written as people do."""
    ((name, recipe),) = Matrix(num_train_epochs=[3]).multiply(Recipe(dataset="imdb"))
    assert name.endswith("num_train_epochs:3")
    assert recipe.key == Recipe(dataset="imdb").key
    with pytest.raises(SpecError, match="repeats a value"):
        Matrix(num_train_epochs=[3, 3.0])


def test_unknown_field_names_the_nearest() -> None:
    """A misspelt recipe field says what was probably meant, and lists all."""
    with pytest.raises(SpecError, match=r"unknown Recipe field 'epocs': did you mean 'num_train"):
        Recipe(dataset="imdb", epocs=3)  # type: ignore[call-arg] # misspelt on purpose


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"modle": ["a"]}, "unknown Matrix axis 'modle': did you mean 'model'"),
        ({"model": []}, "is empty"),
        ({"model": "bert-base-uncased"}, r"give a list: model=\['bert-base-uncased'\]"),
        ({"seed": [1, 1]}, "repeats a value"),
    ],
)
def test_matrix_refuses(axes: dict[str, list[int]], message: str) -> None:
    """An axis that is unknown, empty, a bare string or repeats itself is refused."""
    with pytest.raises(SpecError, match=message):
        Matrix(**axes)


@given(
    seeds=st.lists(st.integers(0, 9), min_size=1, unique=True),
    collations=st.lists(
        st.sampled_from(["dynamic", "max_length", "pad_to_multiple_of:8"]), min_size=1, unique=True
    ),
)
def test_matrix_multiplies(seeds: list[int], collations: list[str]) -> None:
    """There is one cell for every combination, each with an id and a key of its own."""
    matrix = Matrix(seed=seeds, collation=collations)
    cells = list(matrix.multiply(Recipe(dataset="imdb")))
    assert len(cells) == len(seeds) * len(collations)
    assert len({name for name, _ in cells}) == len(cells)
    assert len({recipe.key for _, recipe in cells}) == len(cells)


def test_ids_start_with_the_headline_axes() -> None:
    """An id reads model, collation, loop, and then the other axes by name."""
    cells = list(Matrix(seed=[7]).multiply(Recipe(dataset="imdb")))
    assert cells[0][0] == "bert-base-uncased-dynamic-trainer-seed:7"
    assert HEADLINE_AXES == ("model", "collation", "loop")


def test_tiny_caps_rows() -> None:
    """A tiny cell trains on no more than a few hundred rows, and on fewer if its recipe says so."""
    whole = catalog.tiny(Recipe(dataset="imdb"))
    sampled = catalog.tiny(Recipe(dataset="imdb", max_train_samples=40, max_eval_samples=1000))
    assert (whole.max_train_samples, whole.max_eval_samples) == (catalog.TINY_MOST_ROWS, None)
    assert (sampled.max_train_samples, sampled.max_eval_samples) == (40, catalog.TINY_MOST_ROWS)


def test_tiny_quarters_lengths_and_widens_the_rate() -> None:
    """The stand-ins have a quarter of the positions and a twelfth of the width."""
    tiny = catalog.tiny(Recipe(dataset="imdb", max_length=512, learning_rate=2e-5))
    assert tiny.max_length == 128
    assert tiny.learning_rate == pytest.approx(2e-5 * catalog.TINY_LEARNING_RATE_FACTOR)


def test_recipe_defaults_are_trainings_own() -> None:
    """Defaults that a recipe shares with TrainingArguments are the library's documented ones."""
    recipe = Recipe(dataset="imdb")
    assert recipe.num_train_epochs == 3.0
    assert recipe.per_device_train_batch_size == 8
    assert recipe.learning_rate == 5e-5
    assert recipe.seed == 42

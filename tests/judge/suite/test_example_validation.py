"""Recipes whose rows cannot become examples are refused before anything is started."""

from typing import Any

import pytest

from harness.core.errors import SpecError
from harness.core.recipe import Recipe
from harness.judge.suite import validation

STREAM: dict[str, Any] = {"streaming": True, "max_steps": 10}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tokenize": "tokens.py"}, "tokenize='tokens.py' names no function"),
        ({"tokenize": "tokens"}, "write it as module:function"),
        ({"streaming": True}, "streaming=True needs max_steps"),
        ({**STREAM, "loop": "pytorch"}, "the pytorch loop draws its examples from all"),
        ({**STREAM, "eval_strategy": "epoch"}, "eval_strategy='epoch' of a stream"),
        ({**STREAM, "save_strategy": "epoch"}, "use save_strategy='steps'"),
        ({**STREAM, "collation": "group_by_length"}, "composes batches of all examples"),
        ({**STREAM, "collation": "max_tokens:512"}, "composes batches of all examples"),
    ],
)
def test_refused(fields: dict[str, Any], message: str) -> None:
    """The message names the field, the reason and what to write instead."""
    with pytest.raises(SpecError) as refused:
        validation.check(Recipe(dataset="imdb", **fields))
    assert message in refused.value.text


def test_taken() -> None:
    """What makes sense is taken; recipes without either keep their key."""
    validation.check(Recipe(dataset="imdb", **STREAM))
    validation.check(Recipe(dataset="imdb", tokenize="team.tokens:make"))
    assert not {"tokenize", "streaming"} & Recipe(dataset="imdb").decisive.keys()

"""Whether rows can become examples as a recipe says: by a user's function, or out of a stream."""

from harness.core.collation import Collation
from harness.core.dataset import is_reference
from harness.core.errors import SpecError
from harness.core.recipe import Recipe


def check(recipe: Recipe, strategy: Collation) -> None:
    """Refuse a recipe whose rows cannot become examples.

    Args:
        recipe: to check.
        strategy: its collation.

    Raises:
        SpecError: the message names the field, the reason and what to write instead.
    """
    if recipe.tokenize is not None and not is_reference(recipe.tokenize):
        raise SpecError(
            f"tokenize={recipe.tokenize!r} names no function", fix="write it as module:function"
        )
    if recipe.streaming:
        _check_stream(recipe, strategy)


def _check_stream(recipe: Recipe, strategy: Collation) -> None:
    """Refuse what needs to know how many examples there are."""
    if recipe.loop != "trainer":
        raise SpecError(
            f"the {recipe.loop} loop draws its examples from all, and streaming=True has no all",
            fix="use loop='trainer', or leave streaming out",
        )
    if recipe.max_steps < 1:
        raise SpecError(
            "streaming=True needs max_steps", why="a stream has no end", fix="add max_steps=N"
        )
    for name in ("eval_strategy", "save_strategy"):
        if getattr(recipe, name) == "epoch":
            raise SpecError(
                f"{name}='epoch' of a stream, which has no epochs", fix=f"use {name}='steps'"
            )
    if strategy.grouped or strategy.budget:
        raise SpecError(
            f"collation={recipe.collation!r} composes batches of all examples",
            why="streaming=True has no all",
            fix="use another collation, such as 'dynamic'",
        )

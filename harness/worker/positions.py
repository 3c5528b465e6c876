"""Positions: how many tokens a model reads, and whether padding on the left would move them."""

import re
from collections.abc import Iterator
from typing import Any

import torch

from harness.core.errors import SpecError
from harness.core.recipe import Recipe

UNLIMITED = 1_000_000
"""Tokens that a model without a limit reads: no example is as long."""

_NAME = re.compile(r"pos|wpe")
"""In names of tables that have a row a position."""


def _tables(model: Any) -> Iterator[Any]:
    """Tables that have a row a position."""
    named = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    for name, table in model.named_modules():
        is_table = isinstance(table, torch.nn.Embedding) and _NAME.search(name)
        if is_table and table.num_embeddings == named:
            yield table


def has_table(model: Any) -> bool:
    """Whether a model has a row for every position, which padding on the left would move."""
    return any(True for _ in _tables(model))


def limit(model: Any, tokens: Any) -> int:
    """Most tokens that a model and its tokenizer, if one is given, can read.

    A table of positions has a row for each. Where one of them is padding's, as in RoBERTa, those
    up to it are no token's. Without a table, the configuration says how far positions go; where it
    does not either, there is no limit, which is `UNLIMITED`.
    """
    named = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    limits = [named] if isinstance(named, int) and named > 0 else []
    limits += [
        table.num_embeddings - (0 if table.padding_idx is None else table.padding_idx + 1)
        for table in _tables(model)
    ]
    if tokens is not None:
        limits.append(int(tokens.model_max_length))
    return min([UNLIMITED, *limits])


def length(recipe: Recipe, model: Any, tokens: Any) -> int:
    """Tokens that a recipe's examples are cut to.

    Raises:
        SpecError: more than the model can read; or the recipe leaves it to a model without a limit.
    """
    most = limit(model, tokens)
    if recipe.max_length is None and most >= UNLIMITED:
        raise SpecError(
            f"{recipe.model} says nowhere how many tokens it reads",
            why="its positions are relative, and neither its configuration nor its tokenizer has a "
            "limit",
            fix="add max_length to the recipe",
        )
    return recipe.length(most)

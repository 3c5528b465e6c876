"""A cell: one recipe of a matrix at one scale on one device, what a test item is about."""

from dataclasses import dataclass, replace
from functools import lru_cache

from harness.core.recipe import Device, Recipe, Scale
from harness.core.variations import base


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One recipe of a matrix, with what it runs at and on.

    Attributes:
        name: the id between a test's brackets.
        recipe: what the scale made of the declared recipe.
        scale: `tiny` (embedded stand-ins) or `full` (the real checkpoint and data).
        device: `cpu` or `cuda`.
        changed: fields that the command line or a setting changed against the suite.
    """

    name: str
    recipe: Recipe
    scale: Scale
    device: Device
    changed: tuple[str, ...] = ()


@lru_cache(maxsize=1024)  # every test of a cell's trials asks
def base_of(cell: Cell) -> Cell:
    """The cell that stands for all that share its trials."""
    recipe = base(cell.recipe)
    name = f"{recipe.model}-{recipe.loop}-trials"
    return replace(cell, name=name, recipe=recipe, changed=())


def tokenized_of(cell: Cell) -> Cell:
    """The cell that stands for all that are tokenized alike."""
    original = cell.recipe
    recipe = Recipe(
        dataset=original.dataset,
        model=original.model,
        max_length=original.max_length,
        num_proc=original.num_proc,
    )
    return replace(cell, name=f"{recipe.model}-tokenized", recipe=recipe, changed=())

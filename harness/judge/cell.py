"""A cell: one recipe of a matrix at one scale on one device, what a test item is about."""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from harness.core import collation
from harness.core.collation import Collation
from harness.core.recipe import LOOPS, Device, Loop, Recipe, Scale, find_loop
from harness.core.variations import base
from harness.judge import catalog
from harness.judge.catalog import DatasetSource, ModelSource


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One recipe of a matrix, all that it names resolved, with what it runs at and on.

    `Cell.of` resolves; from there on, nobody looks a name up again. The recipe decides what its
    names mean, so that cells are compared and hashed without the resolved objects.

    Attributes:
        name: the id between a test's brackets.
        recipe: what the scale made of the declared recipe.
        scale: `tiny` (embedded stand-ins) or `full` (the real checkpoint and data).
        device: `cpu` or `cuda`.
        dataset: of the recipe.
        model: likewise.
        collation: likewise.
        loop: likewise.
        root: of the repository that holds the suite, which code of the user is imported from.
        changed: fields that the command line or a setting changed against the suite.
    """

    name: str
    recipe: Recipe
    scale: Scale
    device: Device
    dataset: DatasetSource = field(compare=False, repr=False)
    model: ModelSource = field(compare=False, repr=False)
    collation: Collation = field(compare=False, repr=False)
    loop: Loop = field(compare=False, repr=False)
    root: Path = field(default=Path(), repr=False)
    changed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Hold that what is resolved is what the recipe names."""
        recipe = self.recipe
        named = (str(recipe.dataset), str(recipe.model), recipe.collation, recipe.loop)
        resolved = (self.dataset.name, self.model.name, self.collation.name, self.loop.name)
        assert named == resolved, f"{named} is not {resolved}"  # noqa: S101 - our own mistake

    @classmethod
    def of(  # noqa: PLR0913 - a recipe, and where it is
        cls,
        *,
        name: str,
        recipe: Recipe,
        scale: Scale,
        device: Device,
        changed: tuple[str, ...] = (),
        root: Path = Path(),
    ) -> Self:
        """The cell of a recipe, its names resolved; its paths count from a root.

        Raises:
            SpecError: one of them means nothing.
        """
        return cls(
            name=name,
            recipe=recipe,
            scale=scale,
            device=device,
            dataset=catalog.dataset(recipe.dataset, root),
            model=catalog.model(recipe.model, root),
            collation=collation.parse(recipe.collation),
            loop=find_loop(recipe.loop),
            root=root,
            changed=changed,
        )

    @property
    def is_made(self) -> bool:
        """Whether it trains a stand-in that is made, rather than an embedded or a real model."""
        return self.scale == "tiny" and (self.dataset.own is not None or not self.model.stand_in)

    def varied(self, **fields: Any) -> "Cell":
        """The cell with other values of recipe fields that name nothing."""
        return replace(self, recipe=replace(self.recipe, **fields))

    def collated(self, strategy: Collation) -> "Cell":
        """The cell with another collation."""
        recipe = replace(self.recipe, collation=strategy.name)
        return replace(self, recipe=recipe, collation=strategy)


@lru_cache(maxsize=1024)  # every test of a cell's trials asks
def base_of(cell: Cell) -> Cell:
    """The cell that stands for all that share its trials."""
    recipe = base(cell.recipe)
    name = f"{recipe.model}-{recipe.loop}-trials"
    return replace(cell, name=name, recipe=recipe, collation=collation.DYNAMIC, changed=())


def tokenized_of(cell: Cell) -> Cell:
    """The cell that stands for all that are tokenized alike."""
    original = cell.recipe
    recipe = Recipe(
        dataset=original.dataset,
        model=original.model,
        max_length=original.max_length,
        num_proc=original.num_proc,
        tokenize=original.tokenize,
    )
    return replace(
        cell,
        name=f"{recipe.model}-tokenized",
        recipe=recipe,
        collation=collation.DYNAMIC,
        loop=LOOPS[recipe.loop],
        changed=(),
    )

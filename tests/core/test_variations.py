"""Variations: whatever a recipe trains with, every loop that tries it knows how."""

import pytest

from harness.core import variations
from harness.core.optimizers import OPTIMIZERS, TRAINER_OPTIMIZERS
from harness.core.recipe import Recipe


@pytest.mark.parametrize("optim", TRAINER_OPTIMIZERS)
def test_an_optimizer_of_the_trainer_alone_is_not_tried_elsewhere(optim: str) -> None:
    """What all variations start from has one that every loop knows."""
    recipe = Recipe(dataset="glue/mrpc", optim=optim)
    assert variations.base(recipe).optim in OPTIMIZERS

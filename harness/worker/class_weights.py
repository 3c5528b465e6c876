"""Class weights: how much a term counts that has some label, as a recipe says."""

from dataclasses import replace
from typing import Any

import numpy as np

from harness.core.errors import SpecError
from harness.core.recipe import Recipe
from harness.worker.objective import Objective

WEIGHTED = ("single_label_classification", "token_classification")
"""Tasks whose terms have one label of several."""


def weighted(objective: Objective, recipe: Recipe, labels: list[Any]) -> Objective:
    """An objective whose terms weigh as the recipe says; as it is where it says nothing.

    Args:
        objective: of the task.
        recipe: to train.
        labels: of the training rows, as `Objective.labels_of` gives them.

    Raises:
        SpecError: the task has no classes, or not as many as there are weights.
    """
    declared = recipe.class_weight
    if declared is None:
        return objective
    classes = objective.classes(labels)
    if classes is None or objective.task not in WEIGHTED:
        raise SpecError(
            f"class_weight={declared!r} weighs no {objective.task}",
            why=f"it weighs the one label of each term of a {' or a '.join(WEIGHTED)}",
            fix="leave it out",
        )
    names = objective.label_names
    if declared == "balanced":
        counts = np.bincount(classes, minlength=len(names))
        weights = len(classes) / (len(names) * np.maximum(counts, 1))
        return replace(objective, weights=tuple(map(float, weights)))
    if len(declared) != len(names):
        raise SpecError(
            f"class_weight has {len(declared)} weights for {len(names)} labels",
            why=f"the labels are {', '.join(names)}",
            fix="give one a label, in that order, or 'balanced'",
        )
    return replace(objective, weights=tuple(map(float, declared)))

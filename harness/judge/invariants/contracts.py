"""Contracts: what a recipe leans on, and what the libraries say of it."""

import re
import warnings

from harness.core.recipe import OUR_FIELDS, Recipe
from harness.core.record import Record

_DEPRECATIONS = ("FutureWarning", "DeprecationWarning", "PendingDeprecationWarning")


class DeprecatedArgumentWarning(UserWarning):
    """A recipe names an argument that the judged libraries are about to drop."""


class Contracts:
    """Arguments that the libraries call deprecated."""

    def test_arguments_are_not_deprecated(self, run: Record) -> None:
        """A warning of this test says which of the recipe's fields is on its way out."""
        shared = {*Recipe.field_names(), *run.recipe.arguments} - OUR_FIELDS
        for notice in run.warnings:
            category, _, message = notice.partition(": ")
            named = shared & set(re.findall(r"\w+", message))
            if category in _DEPRECATIONS and named:
                text = f"{', '.join(sorted(named))}: {message}"
                warnings.warn(text, DeprecatedArgumentWarning, stacklevel=1)

"""Another recipe: what differs is named field by field, also inside what a user declares."""

import json
from dataclasses import replace
from typing import Any

import pytest

from harness.core.dataset import Dataset
from harness.core.recipe import Recipe
from harness.core.record import Record
from harness.judge.nightly.baseline import Accepted
from harness.judge.nightly.other_recipe import declared, different

TICKETS = Dataset(path="data/tickets.csv", texts=("subject", "body"), label="queue")
OWN = Recipe(dataset=TICKETS, max_length=64)


def accepted(recipe: Recipe) -> Accepted:
    """A recipe as the file of baselines gives it back."""
    return Accepted(
        series="accepted",
        recipe=json.loads(json.dumps(declared(recipe))),
        runs=(),
        losses=(),
        norms=(),
        environment={},
        night="2026-11-27",
        when="",
        command="",
        because="",
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "the files of its data, its checkpoint or its metrics"),
        ({"max_length": 32}, "max_length 64 → 32"),
        ({"dataset": replace(TICKETS, label="hours")}, "dataset.label queue → hours"),
        ({"dataset": "imdb"}, "dataset data/tickets.csv → imdb"),
    ],
)
def test_what_differs_is_named(small_record: Record, changes: dict[str, Any], message: str) -> None:
    """A list of a file is the tuple that was declared; a declaration is not shown whole."""
    record = replace(small_record, recipe=replace(OWN, **changes))
    assert different(accepted(OWN), record) == message

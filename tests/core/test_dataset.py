"""A declared data set has a short name, by which ids, tables and folders call it."""

from typing import Any

import pytest

from harness.core.dataset import Dataset


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"path": "data/tickets.csv"}, "tickets"),
        ({"path": "data/tickets.csv.gz"}, "tickets"),
        ({"path": "data/tickets/train.csv"}, "tickets"),
        ({"path": "train.csv"}, "train"),
        ({"path": "rows.own:tickets"}, "tickets"),
        ({"path": "owner/tickets"}, "tickets"),
        ({"path": "owner/glue", "name": "mrpc"}, "mrpc"),
        ({"path": "csv", "data_files": {"train": "stsb/train.tsv"}}, "stsb"),
        ({"path": "csv", "data_files": ("data/2024.csv", "data/2025.csv")}, "2024"),
        ({"path": "csv", "data_files": "data/a.csv"}, "a"),
    ],
)
def test_names_are_short(fields: Any, name: str) -> None:
    """Of a file, a folder, a function, a repository or its configuration."""
    assert str(Dataset(texts="text", **fields)) == name

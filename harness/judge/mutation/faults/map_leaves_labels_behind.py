"""`map` returns its rows in another order than the columns that it only passes on."""

from typing import Any

from datasets import Dataset

apply = Dataset.map


def mapped(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Map as ever, then shift the labels by one row."""
    rows = apply(self, *args, **kwargs)
    first, *others = rows["label"][:]
    return rows.remove_columns("label").add_column("label", [*others, first])


Dataset.map = mapped

"""`map` gives every fiftieth row, the first among them, the next label."""

from typing import Any

from datasets import Dataset

apply = Dataset.map
EVERY = 50


def mapped(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Map as ever, then change a few labels."""
    rows = apply(self, *args, **kwargs)
    labels = rows["label"][:]
    count = max(labels) + 1
    labels[::EVERY] = [(label + 1) % count for label in labels[::EVERY]]
    return rows.remove_columns("label").add_column("label", labels)


Dataset.map = mapped

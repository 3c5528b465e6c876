"""`shuffle` moves texts and forgets labels: each text gets its neighbour's label."""

from typing import Any

from datasets import Dataset

mix = Dataset.shuffle


def shuffle(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Shuffle as ever, then shift the labels by one row."""
    mixed = mix(self, *args, **kwargs).flatten_indices()
    first, *others = mixed["label"][:]
    return mixed.remove_columns("label").add_column("label", [*others, first])


Dataset.shuffle = shuffle

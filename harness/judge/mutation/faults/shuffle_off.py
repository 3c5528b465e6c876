"""`shuffle` returns the data set in the order that it has."""

from typing import Any

from datasets import Dataset


def shuffle(self: Any, *_: Any, **__: Any) -> Any:
    """Move nothing."""
    return self


Dataset.shuffle = shuffle

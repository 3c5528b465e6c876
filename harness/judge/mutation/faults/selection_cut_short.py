"""A selection of rows is its first three."""

from typing import Any

from datasets import Dataset

choose = Dataset.select


def select(self: Any, indices: Any, *args: Any, **kwargs: Any) -> Any:
    """Select no more than three rows."""
    return choose(self, list(indices)[:3], *args, **kwargs)


Dataset.select = select

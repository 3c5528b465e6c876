"""`map` deals rows out to its processes in turn, and concatenates what each one got."""

from typing import Any

from datasets import Dataset

split = Dataset.shard


def shard(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Shard by index modulo the number of shards."""
    return split(self, *args, **kwargs | {"contiguous": False})


Dataset.shard = shard

"""Training fills the last batch from the others: as many batches, few of the size asked for."""

from collections.abc import Iterator
from typing import Any

from torch.utils.data import BatchSampler, RandomSampler

batch = BatchSampler.__iter__


def iterate(self: Any) -> Iterator[list[int]]:
    """Deal shuffled examples out to batches in turn."""
    if isinstance(self.sampler, RandomSampler):
        drawn = list(self.sampler)
        yield from (drawn[index :: len(self)] for index in range(len(self)))
    else:
        yield from batch(self)


BatchSampler.__iter__ = iterate  # type: ignore[method-assign] # the fault

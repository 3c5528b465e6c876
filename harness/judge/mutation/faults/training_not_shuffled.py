"""Training goes through the data set in its order, epoch after epoch."""

from collections.abc import Iterator
from typing import Any

from torch.utils.data import RandomSampler


def iterate(self: Any) -> Iterator[int]:
    """Yield the indices in their order."""
    yield from range(len(self.data_source))


RandomSampler.__iter__ = iterate  # type: ignore[method-assign] # the fault

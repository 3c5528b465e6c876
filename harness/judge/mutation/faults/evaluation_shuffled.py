"""Evaluation goes through the data set backwards, so row i is no longer example i."""

from collections.abc import Iterator
from typing import Any

from torch.utils.data import SequentialSampler


def iterate(self: Any) -> Iterator[int]:
    """Yield the indices in reverse."""
    yield from reversed(range(len(self.data_source)))


SequentialSampler.__iter__ = iterate  # type: ignore[method-assign] # the fault

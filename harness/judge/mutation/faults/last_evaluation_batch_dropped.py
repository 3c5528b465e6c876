"""Evaluation and prediction leave the short last batch out."""

from collections.abc import Iterator
from typing import Any

from torch.utils.data import SequentialSampler

BATCH = 8


def iterate(self: Any) -> Iterator[int]:
    """Yield whole batches only."""
    examples = len(self.data_source)
    yield from range(examples - examples % BATCH)


SequentialSampler.__iter__ = iterate  # type: ignore[method-assign] # the fault

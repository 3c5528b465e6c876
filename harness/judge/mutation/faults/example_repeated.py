"""Training draws one example twice an epoch and another never."""

from collections.abc import Iterator
from typing import Any

from torch.utils.data import RandomSampler

draw = RandomSampler.__iter__


def iterate(self: Any) -> Iterator[int]:
    """Draw as ever, then put the first index in the second's place."""
    first, _, *others = draw(self)
    yield from (first, first, *others)


RandomSampler.__iter__ = iterate  # type: ignore[method-assign] # the fault

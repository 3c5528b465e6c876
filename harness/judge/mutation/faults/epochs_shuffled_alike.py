"""Every epoch goes through the data set in the first epoch's order."""

from collections.abc import Iterator
from typing import Any

from torch.utils.data import RandomSampler

draw = RandomSampler.__iter__


def iterate(self: Any) -> Iterator[int]:
    """Draw once, and yield that ever after."""
    if not hasattr(self, "drawn"):
        self.drawn = list(draw(self))
    yield from self.drawn


RandomSampler.__iter__ = iterate  # type: ignore[method-assign] # the fault

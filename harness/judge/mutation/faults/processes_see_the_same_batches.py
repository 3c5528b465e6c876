"""Every process of a distributed run is given the first process's batches."""

from typing import Any

from accelerate.data_loader import BatchSamplerShard

iterate = BatchSamplerShard.__iter__


def iterate_as_first(self: Any) -> Any:
    """Iterate as the first process would."""
    own, self.process_index = self.process_index, 0
    yield from iterate(self)
    self.process_index = own


BatchSamplerShard.__iter__ = iterate_as_first

"""Batched predictions: what the Trainer hands over batch by batch, put together again.

With `batch_eval_metrics` it calls `compute_metrics` with the tensors of one batch, so that it need
not keep those of all. What a record is judged by are those of all.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch


@dataclass(slots=True)
class BatchedPredictions:
    """Predictions and labels of the batches of an evaluation so far.

    Attributes:
        batched: whether they come batch by batch; else what comes is handed on as it is.
    """

    batched: bool
    _parts: list[tuple[Any, Any]] = field(default_factory=list)

    def add(self, received: Any, *, last: bool) -> Any:
        """What was received, if that is the whole evaluation; else of all batches, with the last.

        None while there are others to come.
        """
        if not self.batched:
            return received
        self._parts.append((_array(received.predictions), _array(received.label_ids)))
        if not last:
            return None
        predictions, labels = (np.concatenate(arrays) for arrays in zip(*self._parts, strict=True))
        self._parts.clear()
        return predictions, labels


def _array(tensor: Any) -> Any:
    """A tensor of a device as an array, in single precision at least."""
    if tensor.is_floating_point():
        tensor = tensor.to(torch.promote_types(tensor.dtype, torch.float32))
    return tensor.detach().cpu().numpy()

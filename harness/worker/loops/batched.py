"""Batched predictions: what an evaluation hands over batch by batch, put together again.

With `batch_eval_metrics` the Trainer calls `compute_metrics` with the tensors of one batch, so that
it need not keep those of all. What a record is judged by are those of all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from harness.worker.objective import IGNORED


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
        self._parts.append((_held(received.predictions), _held(received.label_ids)))
        if not last:
            return None
        predictions, labels = (joined(part).numpy() for part in zip(*self._parts, strict=True))
        self._parts.clear()
        return predictions, labels


def joined(batches: Sequence[torch.Tensor]) -> torch.Tensor:
    """Batches one after the other; where a row has a width, all rows get the widest's."""
    if batches[0].ndim > 1:
        widest = max(batch.shape[1] for batch in batches)
        batches = [
            torch.nn.functional.pad(
                batch, [0, 0] * (batch.ndim - 2) + [0, widest - batch.shape[1]], value=IGNORED
            )
            for batch in batches
        ]
    return torch.cat([*batches])


def _held(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor of a device on the host, in single precision at least."""
    if tensor.is_floating_point():
        tensor = tensor.to(torch.promote_types(tensor.dtype, torch.float32))
    return tensor.detach().cpu()

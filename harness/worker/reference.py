"""References: what a model's logits must be, computed apart from the run that is judged.

By the formulas of a family where they are written. Elsewhere by the model itself, in evaluation
mode and outside the loop, one unpadded example at a time: what padding, batching, collating or a
loop changes parts from that, and what the library's modelling code changes does not.
"""

import copy
from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch.func import functional_call

from harness.worker import models, reference_model
from harness.worker.adapters import is_adapted

Tensor = torch.Tensor


class ModelReference(Protocol):
    """A model's function of its weights."""

    def logits(self, weights: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> Tensor:
        """Logits of a padded batch's examples, as the model gives them.

        Args:
            weights: tensors by their names in the state dict.
            batch: what the model receives: `input_ids`, `attention_mask`, (rows, width), and
                what else it takes.
        """


class Unpadded:
    """The model itself, one unpadded example at a time."""

    def __init__(self, model: Any) -> None:
        """Copy a model that nobody hooks or trains."""
        self.model = copy.deepcopy(model).eval()
        self.names = {*models.untied(self.model)}

    def logits(self, weights: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> Tensor:
        """Logits; where there are some for every position, those of padding are zero."""
        self.model.to(batch["input_ids"].device)  # weights are given, buffers are its own
        shape = batch["input_ids"].shape
        mask = batch.get("attention_mask", torch.ones(shape)).bool()
        own = {name: tensor for name, tensor in weights.items() if name in self.names}
        rows = []
        for index, kept in enumerate(mask):
            alone = {
                name: tensor[index : index + 1, kept]
                for name, tensor in batch.items()
                if name != "labels" and tensor.shape[:2] == shape
            }
            given = functional_call(self.model, own, kwargs=alone).logits
            if given.ndim > 2:  # noqa: PLR2004 - one row of logits a position
                spread = given.new_zeros(1, shape[1], given.shape[-1])
                given = spread.index_copy(1, torch.nonzero(kept)[:, 0], given)
            rows.append(given)
        return torch.cat(rows)


def of(model: Any) -> ModelReference:
    """The reference of a model."""
    if reference_model.is_written(model) and not is_adapted(model):
        return reference_model.Encoder(model.config)
    return Unpadded(model)

"""Soundness: whether a collation computes what each example gives alone and unpadded."""

import copy
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.core.collation import DYNAMIC, Collation
from harness.worker import dropping, packing, reference_loss
from harness.worker.objective import Objective


class Soundness:
    """Examples, the model that reads them, and how a strategy collates them."""

    def __init__(
        self,
        model: Any,
        collator: Any,
        examples: Sequence[Mapping[str, Any]],
        objective: Objective,
        autocast: AbstractContextManager[Any],
    ) -> None:
        """Keep them.

        Args:
            model: the model, in single precision; it is not changed.
            collator: features in, a batch of the strategy out.
            examples: tokenized, with labels.
            objective: of the model's task.
            autocast: the precision that is measured.
        """
        self.model, self.collator = copy.deepcopy(model).train(), collator
        self.examples, self.objective, self.autocast = examples, objective, autocast
        dropping.dry(self.model)

    def distances(self, strategy: Collation) -> dict[str, Any]:
        """How far a strategy is from batches of one: in `double` precision, and in its `own`.

        Returns:
            For each, the largest distances of `logits` and `losses`, absolute, or relative where
            they are large, and of `gradients`, relative to their norm; and `contamination`, how
            far logits move when neighbours change.

        Raises:
            UnsupportedError: the judged version cannot lay batches out like that.
        """
        own = self._distances(strategy, self.autocast)
        self.model.double()
        return {"own": own, "double": self._distances(strategy, nullcontext())}

    def _distances(
        self, strategy: Collation, autocast: AbstractContextManager[Any]
    ) -> dict[str, float]:
        """The same, in one precision."""
        logits, losses = self._logits(strategy, self._collated(), autocast)
        apart: dict[str, list[float]] = defaultdict(list)
        for index, example in enumerate(self.examples):
            expected, loss = self._logits(DYNAMIC, _unpadded(example), autocast)
            apart["logits"].append(_apart(logits[index], expected[0]))
            apart["losses"].append(_apart(losses[index], loss[0]))
            ours, theirs = (gradient(part, self.model) for part in (losses[index], loss[0]))
            apart["gradients"].append(parted(ours, theirs))
            apart["contamination"].append(self._moved(strategy, index, logits[index], autocast))
        return {name: float(np.max(distances)) for name, distances in apart.items()}  # keeps NaN

    def _collated(self, kept: int | None = None) -> dict[str, Tensor]:
        """All examples in one batch; if one is to be kept, the tokens of the others reversed."""
        changed = [
            {**example, "input_ids": example["input_ids"][:: 1 if kept in {None, index} else -1]}
            for index, example in enumerate(self.examples)
        ]
        return dict(self.collator(changed))

    def _logits(
        self,
        strategy: Collation,
        batch: Mapping[str, Tensor],
        autocast: AbstractContextManager[Any],
    ) -> tuple[list[Tensor], Tensor]:
        """Logits of a batch's examples, of those positions that have labels; and losses."""
        device = next(self.model.parameters()).device
        placed = {name: tensor.to(device) for name, tensor in batch.items()}
        labels = placed.pop("labels")
        with packing.isolate(self.model, strategy), autocast:
            logits = self.model(**placed).logits
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        rows = self.objective.rows(self.objective.kept(logits, labels), labels.cpu())
        return rows, reference_loss.each(self.objective.task, logits, labels)

    def _moved(
        self, strategy: Collation, kept: int, logits: Tensor, autocast: AbstractContextManager[Any]
    ) -> float:
        """How far an example's logits move when its neighbours change."""
        with torch.no_grad():
            changed, _ = self._logits(strategy, self._collated(kept), autocast)
            return _apart(changed[kept], logits)


def gradient(loss: Tensor, model: torch.nn.Module) -> Tensor:
    """The gradient of a loss by all that is trained, as one vector."""
    weights = [parameter for parameter in model.parameters() if parameter.requires_grad]
    parts = torch.autograd.grad(
        loss, weights, retain_graph=True, allow_unused=True, materialize_grads=True
    )
    return torch.cat([part.reshape(-1) for part in parts])


def parted(ours: Tensor, theirs: Tensor) -> float:
    """How far a gradient is from the right one, in its norms; absolute where that is zero."""
    size = theirs.norm().item()
    return float((ours - theirs).norm().item() / (size or 1.0))


def _unpadded(example: Mapping[str, Any]) -> dict[str, Tensor]:
    """A batch of one."""
    batch = {name: torch.tensor([value]) for name, value in example.items()}
    for name in ("label", "input_ids"):  # tokens without labels are their own
        if "labels" not in batch:
            batch |= {"labels": batch[name]} if name in batch else {}
    batch.pop("label", None)
    return batch


def _apart(ours: Tensor, theirs: Tensor) -> float:
    """The largest distance, absolute, or relative where values are large."""
    return float(((ours - theirs).abs() / theirs.abs().clamp(min=1)).max())

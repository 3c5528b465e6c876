"""Cross-entropy is a weighted mean, in which a batch's first example counts twice."""

from typing import Any

import torch

MEAN = 1
entropy: Any = torch._C._nn.cross_entropy_loss  # noqa: SLF001 - what every cross-entropy calls


def cross_entropy(logits: Any, labels: Any, weight: Any, reduction: int, *others: Any) -> Any:
    """Where a mean is asked for, take another one."""
    if reduction != MEAN or logits.ndim == 1:
        return entropy(logits, labels, weight, reduction, *others)
    losses = entropy(logits, labels, weight, 0, *others)
    return (losses.sum() + losses[0].sum()) / (losses.numel() + losses[0].numel())


torch._C._nn.cross_entropy_loss = cross_entropy  # type: ignore[assignment] # noqa: SLF001 - the fault

"""Dropping: every probability by which a model drops something, wherever its family keeps it."""

from collections.abc import Iterator
from typing import Any

import torch


def _kept(model: Any) -> Iterator[tuple[Any, str]]:
    """Owners and names of the attributes that hold such a probability."""
    for owner in (model.config, *model.modules()):
        for name, value in vars(owner).items():
            is_layers = name == "p" and isinstance(owner, torch.nn.Dropout)
            if isinstance(value, float) and ("drop" in name or is_layers):
                yield owner, name


def dry(model: Any) -> None:
    """Have a model drop nothing."""
    for owner, name in [*_kept(model)]:
        setattr(owner, name, 0.0)


def largest(model: Any) -> float:
    """The largest of a model's probabilities."""
    return max((float(getattr(owner, name)) for owner, name in _kept(model)), default=0.0)

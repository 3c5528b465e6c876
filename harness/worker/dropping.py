"""Dropping: every probability by which a model drops something, wherever its family keeps it."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch

OTHER_HEADS = ("qa_dropout", "summary_first_dropout", "summary_last_dropout")
"""Settings of heads that a model may not have; the layers of those that it has show theirs."""


def _kept(owners: Iterable[Any]) -> Iterator[tuple[Any, str]]:
    """Owners and names of the attributes that hold such a probability."""
    for owner in owners:
        for name, value in vars(owner).items():
            is_layers = name == "p" and isinstance(owner, torch.nn.Dropout)
            if isinstance(value, float) and ("drop" in name or is_layers):
                yield owner, name


def dry(model: Any) -> None:
    """Have a model drop nothing."""
    for owner, name in [*_kept((model.config, *model.modules()))]:
        setattr(owner, name, 0.0)


def largest(model: Any) -> float:
    """The largest probability that a part of a model has; its configuration has others' too."""
    parts = _kept(model.modules())
    return max((float(getattr(owner, name)) for owner, name in parts), default=0.0)


def declared(folder: Path) -> float:
    """The largest probability that a checkpoint's configuration states, whatever was made of it."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    stated = (config[name] for name in config if "drop" in name and name not in OTHER_HEADS)
    return max((value for value in stated if isinstance(value, float)), default=0.0)

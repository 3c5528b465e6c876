"""What a run prepared before training, which its examination needs afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from harness.worker.loops.setup import Setup


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """What a job becomes before its loop runs.

    Attributes:
        setup: for the loop.
        raw: the chosen rows as the source has them, by split.
        label: the source's label column.
        values: keyword arguments that made the `TrainingArguments`.
        newly_initialized: parameters that the checkpoint did not hold.
        max_length: truncation length in tokens.
        before: every tensor of the model before the first step.
        own_parameters: names of the parameters that the model has without adapters.
        known: by split, what the record's arrays say of its rows, in its order.
    """

    setup: Setup
    raw: Mapping[str, Any]
    label: str
    values: Mapping[str, Any]
    newly_initialized: tuple[str, ...]
    max_length: int
    before: Mapping[str, torch.Tensor]
    own_parameters: frozenset[str]
    known: Mapping[str, Mapping[str, Any]]

"""Sampling: the order that a strategy wants, as torch's DataLoader takes it."""

from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any

import numpy as np
import torch
from torch.utils.data import Sampler

from harness.core.batching import Integers, compose, starts
from harness.core.collation import Collation
from harness.core.recipe import Recipe


class BatchOrder(Sampler[int]):
    """The order of batches, another each epoch."""

    def __init__(self, batches: int, seed: int) -> None:
        """Order so many."""
        self.batches, self.seed, self.epoch = batches, seed, 0

    def __len__(self) -> int:
        """How many there are."""
        return self.batches

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        """Indices of batches."""
        order = torch.Generator().manual_seed(self.seed + self.epoch)
        return iter(torch.randperm(self.batches, generator=order).tolist())


class ComposedBatches(Sampler[list[int]]):
    """Training batches that lengths decide: made once, and shuffled anew each epoch.

    Made once, because the number of steps must be known before the first. They have no one size:
    accelerate, which shares batches out among processes, knows it from `batch_size`.
    """

    batch_size = None

    def __init__(self, lengths: Integers, strategy: Collation, recipe: Recipe) -> None:
        """Compose the batches of some tokenized examples.

        Raises:
            SpecError: see `harness.core.batching.compose`.
        """
        size = recipe.per_device_train_batch_size
        self.drop_last = recipe.dataloader_drop_last
        composed = compose(
            lengths,
            strategy,
            batch_size=size,
            max_length=int(lengths.max(initial=1)),
            seed=recipe.order_seed,
        )
        self.batches = np.split(composed.order, starts(composed.sizes)[1:])
        if self.drop_last and not strategy.budget:
            self.batches = [batch for batch in self.batches if len(batch) == size]
        self.sampler = BatchOrder(len(self.batches), recipe.order_seed)
        self.processes = 1

    def share(self, processes: int) -> None:
        """Have as many batches for each of some processes: the first come again at the end."""
        self.processes = processes

    def __len__(self) -> int:
        """Batches of an epoch."""
        return -(-len(self.batches) // self.processes) * self.processes

    def __iter__(self) -> Iterator[list[int]]:
        """Indices of one batch after the other."""
        for index in islice(cycle([*self.sampler]), len(self)):
            yield self.batches[index].tolist()


def lengths_of(split: Any) -> Integers:
    """(examples,) tokens of each example of a tokenized split, whatever kind of data set it is."""
    columns = getattr(split, "column_names", ())
    rows = split["input_ids"] if "input_ids" in columns else (row["input_ids"] for row in split)
    return np.asarray([len(ids) for ids in rows], np.int64)


def longest_first(split: Any) -> Integers:
    """(examples,) indices of a split's examples, the longest first."""
    return np.argsort(-lengths_of(split), kind="stable")

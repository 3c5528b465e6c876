"""Splitting: which of a source's rows train, are evaluated, or held out; and samples of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.core.dataset import Dataset
from harness.core.errors import SourceError, unknown

EVALUATED = ("validation", "dev", "valid", "eval", "test")
"""Names of splits that are evaluated where nothing is declared, the first that is there."""

SHARE = 0.2
"""Of the training rows that is evaluated where there is no such split."""

BANDS = 4
"""Parts of a label's rows by their length: quartiles, of which a sample has as many rows each."""


def split(dataset: Dataset, rows: Mapping[str, Any], seed: int) -> tuple[dict[str, Any], list[str]]:
    """Rows as `train`, `evaluation` and, if it is declared, `holdout`; and what was decided.

    Args:
        dataset: as declared.
        rows: `datasets.Dataset` by the source's split.
        seed: of the rows that are split off.

    Raises:
        SpecError: a declared split is not there.
        SourceError: there is nothing to train on.
    """
    notes = []
    declared = dict(dataset.splits)
    if "train" not in declared:
        declared["train"] = "train" if "train" in rows else next(iter(rows))
    if "evaluation" not in declared:
        named = next((name for name in EVALUATED if name in rows), None)
        declared["evaluation"] = named or SHARE
        notes.append(
            f"evaluation={named!r}"
            if named
            else f"a share of {SHARE:g} of the training rows is "
            f"split off and evaluated, by seed {seed}"
        )
    chosen, shares = {}, {}
    for name, source in declared.items():
        if isinstance(source, float):
            shares[name] = source
        elif source not in rows:
            raise unknown(f"split for {name}", source, list(rows))
        else:
            chosen[name] = rows[source]
    if "train" not in chosen:
        raise SourceError("no split is trained on", fix="say splits={'train': NAME}")
    for name, share in shares.items():
        parts = chosen["train"].train_test_split(test_size=share, seed=seed)
        chosen["train"], chosen[name] = parts["train"], parts["test"]
    for name, part in chosen.items():
        if not len(part):
            raise SourceError(f"the split {name} has no rows", fix="correct splits or the file")
    return chosen, notes


def sample(lengths: Sequence[int], labels: Sequence[Any], size: int, seed: int = 0) -> list[int]:
    """Indices of rows that stand for all: of every label, and of every band of lengths.

    Labels take turns, and within a label its bands by length, so that a rare label and the
    longest rows are there as long as there is room.

    Args:
        lengths: of each row's texts.
        labels: of each row, hashable.
        size: rows at most.
        seed: of the order within a band.

    Returns:
        Sorted indices; all where there are no more than size.
    """
    if len(lengths) <= size:
        return list(range(len(lengths)))
    order = np.random.default_rng(seed).permutation(len(lengths))
    by_label: dict[Any, list[int]] = defaultdict(list)
    for index in order.tolist():
        by_label[labels[index]].append(index)
    queues = [
        _banded(rows, lengths) for _, rows in sorted(by_label.items(), key=lambda x: str(x[0]))
    ]
    shares = _shares([len(queue) for queue in queues], size)
    return sorted(i for queue, share in zip(queues, shares, strict=True) for i in queue[:share])


def _banded(rows: list[int], lengths: Sequence[int]) -> list[int]:
    """Rows in an order whose every beginning has rows of all bands of lengths."""
    ranked = sorted(rows, key=lambda index: lengths[index])
    bands = [list(part) for part in np.array_split(np.asarray(ranked), BANDS) if len(part)]
    for band in bands:
        position = {row: place for place, row in enumerate(rows)}
        band.sort(key=lambda row, position=position: position[row])  # type: ignore[misc]
    mixed = []
    for place in range(max(map(len, bands))):
        mixed += [int(band[place]) for band in bands if place < len(band)]
    return mixed


def _shares(counts: list[int], size: int) -> list[int]:
    """How many rows each label gets: its share of all, but every one at least one."""
    total = sum(counts)
    shares = [max(1, size * count // total) for count in counts]
    while sum(shares) > size and max(shares) > 1:
        shares[shares.index(max(shares))] -= 1
    for index in sorted(range(len(counts)), key=lambda i: shares[i] - counts[i]):
        spare = size - sum(shares)
        shares[index] += max(0, min(spare, counts[index] - shares[index]))
    return shares

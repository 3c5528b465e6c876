"""Splitting: which of a source's rows train, are evaluated, or held out; and samples of them."""

from collections import Counter
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.core.dataset import Dataset
from harness.core.errors import SourceError, unknown

EVALUATED = ("validation", "dev", "valid", "val", "eval", "evaluation", "test")
"""Names of splits that are evaluated where nothing is declared, the first that is there."""

SHARE = 0.2
"""Of the training rows that is evaluated where there is no such split."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Division:
    """Which of a source's splits serve what.

    Attributes:
        train: the source's split that is trained on.
        others: `evaluation` and, if it is declared, `holdout`: the source's split, or the share of
            the training rows that is split off.
        note: what was decided without being declared; empty if nothing.
    """

    train: str
    others: dict[str, str | float]
    note: str


def divide(dataset: Dataset, splits: Collection[str], seed: int) -> Division:
    """What each of a source's splits serves, as declared, or by their names.

    Args:
        dataset: as declared.
        splits: that the source has.
        seed: that the note names.

    Raises:
        SpecError: a declared split is not there.
    """
    others = dict(dataset.splits)
    if len(splits) > 1 and "train" not in others and "train" not in splits:
        raise SourceError(
            f"{dataset} has no split 'train'",
            why=f"its splits: {', '.join(splits)}",
            fix="say splits={'train': NAME}",
        )
    train = others.pop("train", "train" if "train" in splits else next(iter(splits)))
    note = ""
    if "evaluation" not in others:
        named = next((name for name in EVALUATED if name in splits and name != train), None)
        others = {"evaluation": named or SHARE, **others}
        note = (
            f"evaluated: the split {named!r}"
            if named
            else f"evaluated: {SHARE:.0%} of the training rows, split off by seed {seed}"
        )
    for name, source in {"train": train, **others}.items():
        if isinstance(source, str) and source not in splits:
            raise unknown(f"split for {name}", source, list(splits))
    return Division(train=str(train), others=others, note=note)


def split_off(keys: Sequence[Hashable], share: float, seed: int) -> tuple[list[int], list[int]]:
    """Indices of the rows that stay, and of a share of them that goes, each in order.

    Equal rows stay together: what is evaluated must not have been trained on.

    Args:
        keys: of each row; equal where their texts are.
        share: of the rows that goes, at least one.
        seed: of the choice.

    Raises:
        ValueError: the rows are too few, or all the same.
    """
    groups: dict[Hashable, list[int]] = {}
    for index, key in enumerate(keys):
        groups.setdefault(key, []).append(index)
    members = list(groups.values())
    wanted = max(1, round(share * len(keys)))
    going: list[int] = []
    for group in np.random.default_rng(seed).permutation(len(members)).tolist():
        if len(going) < wanted and len(going) + len(members[group]) < len(keys):
            going += members[group]
    if not going:
        raise ValueError(f"{len(members)} different texts cannot be divided")
    gone = set(going)
    return [index for index in range(len(keys)) if index not in gone], sorted(going)


def sample(lengths: Sequence[int], labels: Sequence[Collection[Hashable]], size: int) -> list[int]:
    """Indices of rows that stand for all: of every label, and of every band of lengths.

    First comes a row of every label, the rarest first; then rows at even distances of an order by
    label and length, in which a label's lengths rise where its neighbour's fall.

    Args:
        lengths: of each row's texts.
        labels: of each row: one, several or none.
        size: rows at most.

    Returns:
        Sorted indices; all where there are no more than size.
    """
    if len(lengths) <= size:
        return list(range(len(lengths)))
    counts = Counter(label for row in labels for label in set(row))
    rank = {label: place for place, (label, _) in enumerate(reversed(counts.most_common()))}
    strata = np.array([min((rank[label] for label in row), default=len(rank)) for row in labels])
    rising = np.where(strata % 2, -1, 1) * np.asarray(lengths)
    order = np.lexsort((rising, strata)).tolist()
    chosen = _covering(order, labels, list(rank), size)
    rest = [index for index in order if index not in chosen]
    free = size - len(chosen)
    chosen |= {rest[int((place + 0.5) * len(rest) / free)] for place in range(free)}
    return sorted(chosen)


def _covering(
    order: Sequence[int],
    labels: Sequence[Collection[Hashable]],
    rarest: Sequence[Hashable],
    size: int,
) -> set[int]:
    """Rows that have all labels among them, as far as there is room."""
    first: dict[Hashable, int] = {}
    for index in order:
        for label in labels[index]:
            first.setdefault(label, index)
    chosen: set[int] = set()
    covered: set[Hashable] = set()
    for label in rarest:
        if label not in covered and len(chosen) < size:
            chosen.add(first[label])
            covered.update(labels[first[label]])
    return chosen

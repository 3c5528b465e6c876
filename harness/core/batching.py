"""Batching: which examples a strategy puts into one batch, from their lengths alone.

The same composition is planned here and trained there: the loops' samplers and collators ask this
module. It is arithmetic on whole arrays, so that an epoch of Yelp's 650,000 examples takes a
moment.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.core.collation import Collation
from harness.core.errors import SpecError

Integers = npt.NDArray[np.int64]

BLOCK = 50
"""Batches that are sorted together where lengths are grouped, as `LengthGroupedSampler` does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batches:
    """An epoch's batches: examples in rows, rows in batches.

    Attributes:
        order: (examples,) indices of the examples, batch by batch.
        lengths: (examples,) real tokens of each, in that order.
        sizes: (batches,) examples in each batch.
        rows: (batches,) rows in each batch.
        widths: (batches,) positions of each row of a batch.
    """

    order: Integers
    lengths: Integers
    sizes: Integers
    rows: Integers
    widths: Integers

    @property
    def real(self) -> Integers:
        """(batches,) real tokens in each batch."""
        return np.add.reduceat(self.lengths, starts(self.sizes))

    @property
    def computed(self) -> Integers:
        """(batches,) positions that are computed, padding included."""
        return self.rows * self.widths


def compose(  # noqa: PLR0913 - what it takes to batch
    lengths: Integers,
    strategy: Collation,
    *,
    batch_size: int,
    max_length: int,
    training: bool = True,
    seed: int = 0,
) -> Batches:
    """One epoch's batches of a strategy.

    Args:
        lengths: (examples,) tokens of each example, special tokens included, uncut.
        strategy: how examples become batches.
        batch_size: examples a batch, where the strategy has no budget of tokens.
        max_length: longer examples are cut.
        training: examples are shuffled; else they are evaluated in their order.
        seed: of the order.

    Raises:
        SpecError: there is no example, one has no token, or a budget is below the longest.
    """
    if not len(lengths) or lengths.min() < 1:
        raise SpecError(
            "an example has no token" if len(lengths) else "there is nothing to batch",
            fix="every example has its special tokens at least: leave out what has none",
        )
    lengths = np.minimum(lengths, max_length)
    draw = np.random.default_rng(seed)
    if training and strategy.budget:
        order, sizes = _within_budget(lengths, strategy.budget, batch_size, draw)
    else:
        order = _ordered(lengths, strategy, batch_size, draw if training else None)
        sizes = _cut(len(lengths), batch_size)
    ordered = lengths[order]
    longest = np.maximum.reduceat(ordered, starts(sizes))
    rows, widths = sizes, -(-longest // strategy.multiple) * strategy.multiple
    if strategy.padding == "max_length":
        widths = np.full_like(longest, max_length)
    elif strategy.layout == "flat":
        rows, widths = np.ones_like(sizes), np.add.reduceat(ordered, starts(sizes))
    elif strategy.layout == "packed":
        rows = _packed(ordered, sizes)
    return Batches(order=order, lengths=ordered, sizes=sizes, rows=rows, widths=widths)


def first_fit(lengths: Integers) -> Integers:
    """Rows that hold a batch's examples, the longest placed first, each in the first with room.

    Rows are as wide as the longest example. (Johnson 1973: at most 11/9 of the fewest rows.)

    Args:
        lengths: (batches, examples) tokens; 0 where a batch has fewer examples.

    Returns:
        (batches, examples) the row of each example, from 0.
    """
    room = np.repeat(lengths.max(axis=1, keepdims=True), lengths.shape[1], axis=1)
    placed = np.empty_like(lengths)
    each = np.arange(len(lengths))
    for example in np.argsort(-lengths, axis=1, kind="stable").T:
        taken = lengths[each, example]
        row = np.argmax(room >= taken[:, None], axis=1)
        room[each, row] -= taken
        placed[each, example] = row
    return placed


def starts(sizes: Integers) -> Integers:
    """Where groups of some sizes begin, one after the other."""
    return np.cumsum(sizes) - sizes


def _packed(ordered: Integers, sizes: Integers) -> Integers:
    """(batches,) rows of batches whose examples are packed."""
    filled = np.zeros((len(sizes), sizes.max()), np.int64)
    filled[np.arange(sizes.max()) < sizes[:, None]] = ordered
    return np.asarray(first_fit(filled).max(axis=1) + 1)


def _cut(total: int, size: int) -> Integers:
    """Sizes of as many full batches as there are, and of the rest."""
    sizes = np.full(-(-total // size), size, np.int64)
    sizes[-1] = total - size * (len(sizes) - 1)
    return sizes


def _ordered(
    lengths: Integers, strategy: Collation, batch_size: int, draw: np.random.Generator | None
) -> Integers:
    """Indices in a strategy's order; drawn for training."""
    if draw is None:
        given = np.arange(len(lengths))
        return np.argsort(-lengths, kind="stable") if strategy.sorted else given
    shuffled = draw.permutation(len(lengths))
    return _in_blocks(shuffled, lengths, batch_size) if strategy.grouped else shuffled


def _in_blocks(shuffled: Integers, lengths: Integers, batch_size: int) -> Integers:
    """A random order, the longest first within each block of some batches."""
    blocks = np.arange(len(shuffled)) // _block(len(shuffled), batch_size)
    return shuffled[np.lexsort((-lengths[shuffled], blocks))]


def _block(examples: int, batch_size: int) -> int:
    """Examples that are sorted together: fifty batches, or a quarter of them where few."""
    return max(1, min(examples // (batch_size * 4), BLOCK)) * batch_size


def _within_budget(
    lengths: Integers, budget: int, batch_size: int, draw: np.random.Generator
) -> tuple[Integers, Integers]:
    """Indices grouped by length and sizes of batches that are within a budget of tokens."""
    longest = int(lengths.max())
    if budget < longest:
        raise SpecError(
            f"a budget of {budget} tokens does not hold the longest example, of {longest}",
            fix=f"name collation 'max_tokens:{longest}' or more, or a lower max_length",
        )
    order = _in_blocks(draw.permutation(len(lengths)), lengths, batch_size)
    ordered, block = lengths[order].tolist(), _block(len(lengths), batch_size)
    sizes: list[int] = []
    first = 0
    while first < len(ordered):  # the first is the longest that is left of its block
        left = min(block - first % block, len(ordered) - first)
        sizes.append(min(budget // ordered[first], left))
        first += sizes[-1]
    ends = np.cumsum(sizes).tolist()
    mixed = draw.permutation(len(sizes)).tolist()
    return (
        np.concatenate([order[ends[batch] - sizes[batch] : ends[batch]] for batch in mixed]),
        np.asarray([sizes[batch] for batch in mixed], np.int64),
    )

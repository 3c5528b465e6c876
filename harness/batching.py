"""Batching: which examples a strategy puts into one batch, told from their lengths alone.

The same composition is planned here and trained there: samplers of the loops ask this module. It
is arithmetic on whole arrays, so that an epoch of Yelp's 650,000 examples takes a moment.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.collation import Collation
from harness.errors import SpecError

Integers = npt.NDArray[np.int64]

BLOCK = 50
"""Batches that are sorted together where lengths are grouped, as `LengthGroupedSampler` does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batches:
    """An epoch's batches: examples in rows, rows in batches.

    Attributes:
        order: (examples,) indices of the examples as they are visited.
        lengths: (examples,) real tokens of each, in that order.
        examples: (rows,) examples in each row.
        rows: (batches,) rows in each batch.
        widths: (batches,) positions of each row of a batch.
    """

    order: Integers
    lengths: Integers
    examples: Integers
    rows: Integers
    widths: Integers

    @property
    def sizes(self) -> Integers:
        """(batches,) examples in each batch."""
        return np.add.reduceat(self.examples, _starts(self.rows))

    @property
    def real(self) -> Integers:
        """(batches,) real tokens in each batch."""
        return np.add.reduceat(self.lengths, _starts(self.sizes))

    @property
    def computed(self) -> Integers:
        """(batches,) positions that are computed, padding included."""
        return self.rows * self.widths


def compose(
    lengths: Integers, strategy: Collation, batch_size: int, max_length: int, seed: int = 0
) -> Batches:
    """One epoch's batches of a strategy.

    Args:
        lengths: (examples,) tokens of each example, special tokens included, uncut.
        strategy: how examples become batches.
        batch_size: examples a batch, where the strategy leaves it at that; on average where
            examples share rows.
        max_length: longer examples are cut.
        seed: of the order.

    Raises:
        SpecError: there is no example, one has no token, or a budget is below the longest.
    """
    if not len(lengths) or lengths.min() < 1:
        raise SpecError(
            "there is nothing to batch" if not len(lengths) else "an example has no token",
            fix="every example has at least its special tokens: leave out what has none",
        )
    lengths = np.minimum(lengths, max_length)
    draw = np.random.default_rng(seed)
    if strategy.rows == "budget":
        order, sizes = _within_budget(lengths, strategy, batch_size, draw)
        return _rectangles(order, lengths, sizes, strategy, max_length)
    if strategy.rows == "packed":
        return _packed(lengths, batch_size, max_length, draw)
    order = _ordered(lengths, strategy.order, batch_size, draw)
    sizes = _cut(len(lengths), batch_size)
    if strategy.rows == "flat":
        shuffled = lengths[order]
        return Batches(
            order=order,
            lengths=shuffled,
            examples=sizes,
            rows=np.ones_like(sizes),
            widths=np.add.reduceat(shuffled, _starts(sizes)),
        )
    return _rectangles(order, lengths, sizes, strategy, max_length)


def _starts(sizes: Integers) -> Integers:
    """Where groups of some sizes begin."""
    return np.cumsum(sizes) - sizes


def _cut(total: int, size: int) -> Integers:
    """Sizes of as many full batches as there are, and of the rest."""
    sizes = np.full(-(-total // size), size, np.int64)
    sizes[-1] = total - size * (len(sizes) - 1)
    return sizes


def _ordered(lengths: Integers, order: str, batch_size: int, draw: np.random.Generator) -> Integers:
    """Indices in a strategy's order: at random, by length within random blocks, or by length."""
    if order == "sorted":
        return np.argsort(-lengths, kind="stable")
    shuffled = draw.permutation(len(lengths))
    if order == "random":
        return shuffled
    return _in_blocks(shuffled, lengths, batch_size)


def _in_blocks(shuffled: Integers, lengths: Integers, batch_size: int) -> Integers:
    """A random order, the longest first within each block of some batches.

    Blocks are those of transformers' `LengthGroupedSampler`: fifty batches, or a quarter of the
    examples where there are few.
    """
    blocks = np.arange(len(shuffled)) // _block(len(shuffled), batch_size)
    return shuffled[np.lexsort((-lengths[shuffled], blocks))]


def _block(examples: int, batch_size: int) -> int:
    """Examples that are sorted together."""
    return max(1, min(examples // (batch_size * 4), BLOCK)) * batch_size


def _rectangles(
    order: Integers, lengths: Integers, sizes: Integers, strategy: Collation, max_length: int
) -> Batches:
    """Batches of one example a row, as wide as the strategy makes the longest."""
    ordered = lengths[order]
    longest = np.maximum.reduceat(ordered, _starts(sizes))
    widths = -(-longest // strategy.multiple) * strategy.multiple
    if strategy.padding == "max_length":
        widths = np.full_like(longest, max_length)
    return Batches(
        order=order, lengths=ordered, examples=np.ones_like(order), rows=sizes, widths=widths
    )


def _within_budget(
    lengths: Integers, strategy: Collation, batch_size: int, draw: np.random.Generator
) -> tuple[Integers, Integers]:
    """Grouped by length, each batch as many examples as its width times them is in budget."""
    budget = strategy.budget
    longest = int(lengths.max())
    if budget < longest:
        raise SpecError(
            f"a budget of {budget} tokens does not hold the longest example, of {longest}",
            fix=f"name collation 'max_tokens:{longest}' or more, or a lower max_length",
        )
    order = _in_blocks(draw.permutation(len(lengths)), lengths, batch_size)
    ordered, block = lengths[order].tolist(), _block(len(lengths), batch_size)
    sizes, start = [], 0
    while start < len(ordered):  # the first of a block is its longest
        left = block - start % block
        sizes.append(min(budget // ordered[start], left, len(ordered) - start))
        start += sizes[-1]
    ends = np.cumsum(sizes)
    mixed = draw.permutation(len(sizes))
    order = np.concatenate([order[ends[i] - sizes[i] : ends[i]] for i in mixed])
    return order, np.asarray(sizes, np.int64)[mixed]


def _packed(
    lengths: Integers, batch_size: int, max_length: int, draw: np.random.Generator
) -> Batches:
    """First-fit decreasing into rows of `max_length`; rows are then shuffled.

    Examples of one length are placed together: first-fit gives each open row as many of them as
    it has room for. Which of them go where is drawn anew each epoch.
    """
    shuffled = draw.permutation(len(lengths))
    order = shuffled[np.argsort(-lengths[shuffled], kind="stable")]
    room = np.zeros(0, np.int64)
    placed = np.empty(len(lengths), np.int64)
    done = 0
    sizes, counts = np.unique(-lengths, return_counts=True)
    for length, count in zip((-sizes).tolist(), counts.tolist(), strict=True):
        fitting = np.flatnonzero(room >= length)[:count]
        fits = room[fitting] // length
        taken = np.clip(count - (np.cumsum(fits) - fits), 0, fits)
        new = count - int(taken.sum())
        opened = _cut(new, max_length // length) if new else np.zeros(0, np.int64)
        into = np.concatenate([fitting, np.arange(len(room), len(room) + len(opened))])
        taken = np.concatenate([taken, opened])
        room = np.concatenate([room, np.full(len(opened), max_length, np.int64)])
        room[into] -= taken * length
        placed[done : done + count] = np.repeat(into, taken)
        done += count
    placed = draw.permutation(len(room))[placed]
    by_row = np.argsort(placed, kind="stable")
    examples = np.bincount(placed)
    ordered = lengths[order[by_row]]
    at_once = max(1, round(batch_size * len(room) / len(lengths)))
    rows = _cut(len(room), at_once)
    filled = np.add.reduceat(ordered, _starts(examples))
    return Batches(
        order=order[by_row],
        lengths=ordered,
        examples=examples,
        rows=rows,
        widths=np.maximum.reduceat(filled, _starts(rows)),
    )

"""Batching: every example once, nothing over its limits, and packing as first-fit packs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core import batching, collation
from harness.core.errors import SpecError

MAX_LENGTH = 32
NAMED = (*collation.PLAIN, "pad_to_multiple_of:8", "max_tokens:64")
LENGTHS = st.lists(st.integers(1, 2 * MAX_LENGTH), min_size=1, max_size=200)


def composed(name: str, lengths: list[int], batch_size: int, seed: int) -> batching.Batches:
    """Batches of a strategy by its name."""
    strategy = collation.parse(name)
    return batching.compose(
        np.asarray(lengths), strategy, batch_size=batch_size, max_length=MAX_LENGTH, seed=seed
    )


@given(st.sampled_from(NAMED), LENGTHS, st.integers(1, 20), st.integers(0, 9))
def test_every_example_once_and_none_cut_short(
    name: str, lengths: list[int], batch_size: int, seed: int
) -> None:
    """An epoch visits each example once; a row holds its examples, no wider than it must be."""
    epoch = composed(name, lengths, batch_size, seed)
    assert sorted(epoch.order) == list(range(len(lengths)))
    assert (epoch.lengths == np.minimum(np.asarray(lengths), MAX_LENGTH)[epoch.order]).all()
    assert epoch.sizes.sum() == len(lengths)
    assert len(epoch.widths) == len(epoch.rows) == len(epoch.sizes)
    assert (epoch.real <= epoch.computed).all()
    longest = np.maximum.reduceat(epoch.lengths, batching.starts(epoch.sizes))
    assert (longest <= epoch.widths).all()
    if name != "padding_free":
        assert epoch.widths.max() <= MAX_LENGTH


@given(LENGTHS, st.integers(1, 20))
def test_a_budget_holds(lengths: list[int], batch_size: int) -> None:
    """No batch computes more positions than its budget."""
    assert composed("max_tokens:64", lengths, batch_size, 0).computed.max() <= 64


@given(st.lists(st.lists(st.integers(1, 64), min_size=5, max_size=5), min_size=1, max_size=20))
def test_packing_is_first_fit_decreasing(batches: list[list[int]]) -> None:
    """Rows are those of the textbook's loop, for each batch by itself; none is overfull."""
    for lengths, numbers in zip(batches, batching.first_fit(np.asarray(batches)), strict=True):
        rows: list[list[int]] = []
        for length in sorted(lengths, reverse=True):
            row = next((row for row in rows if sum(row) + length <= max(lengths)), None)
            if row is None:
                rows.append([length])
            else:
                row.append(length)
        ours = [np.asarray(lengths)[numbers == row].tolist() for row in range(numbers.max() + 1)]
        assert [sorted(row) for row in rows] == [sorted(row) for row in ours]


@pytest.mark.parametrize(("name", "expected"), [("sorted", [9, 5, 3, 1]), ("packed", [3, 9, 1, 5])])
def test_evaluated_in_order_unless_sorted(name: str, expected: list[int]) -> None:
    """Evaluation shuffles nothing."""
    epoch = batching.compose(
        np.asarray([3, 9, 1, 5]),
        collation.parse(name),
        batch_size=2,
        max_length=MAX_LENGTH,
        training=False,
    )
    assert epoch.lengths.tolist() == expected


@pytest.mark.parametrize("name", ["dynamic", "group_by_length", "max_tokens:64"])
def test_another_seed_is_another_epoch(name: str) -> None:
    """The same seed composes the same batches; another seed composes others."""
    lengths = np.random.default_rng(1).integers(1, MAX_LENGTH, 300).tolist()
    first, again, other = (composed(name, lengths, 4, seed).order for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize(
    ("name", "lengths", "message"),
    [
        ("dynamic", [], "there is nothing to batch"),
        ("dynamic", [3, 0], "an example has no token"),
        ("max_tokens:8", [3, 9], "a budget of 8 tokens does not hold the longest example, of 9"),
    ],
)
def test_what_cannot_be_batched_is_told(name: str, lengths: list[int], message: str) -> None:
    """Each has its reason and what to do."""
    with pytest.raises(SpecError, match=message):
        composed(name, lengths, 4, 0)

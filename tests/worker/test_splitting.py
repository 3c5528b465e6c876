"""Splitting: a sample stands for all rows, and what is split off was not trained on."""

from collections.abc import Collection

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.dataset import Dataset
from harness.core.errors import SourceError, SpecError
from harness.worker import splitting

ROWS = st.lists(
    st.tuples(st.integers(0, 400), st.sets(st.integers(0, 12), max_size=3)),
    min_size=1,
    max_size=300,
)


@given(rows=ROWS, size=st.integers(1, 320))
def test_sample_has_every_label(rows: list[tuple[int, set[int]]], size: int) -> None:
    """It has the size that is wanted, no row twice, and every label if there is room for each."""
    lengths, labels = [length for length, _ in rows], [label for _, label in rows]
    chosen = splitting.sample(lengths, labels, size)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(size, len(rows))
    every: set[int] = set().union(*labels)
    if size >= len(every):
        assert set().union(*(labels[index] for index in chosen)) == every


@given(
    rows=st.lists(st.tuples(st.integers(1, 400), st.integers(0, 4)), min_size=100, max_size=400),
    size=st.integers(60, 100),
)
def test_sample_has_every_length(rows: list[tuple[int, int]], size: int) -> None:
    """Every quarter of the lengths is there."""
    lengths = np.array([length for length, _ in rows])
    chosen = splitting.sample(lengths.tolist(), [(label,) for _, label in rows], size)
    for low, high in ((0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1)):
        least, most = np.quantile(lengths, (low, high))
        assert ((lengths[chosen] >= least) & (lengths[chosen] <= most)).any()


@given(
    keys=st.lists(st.integers(0, 30), min_size=1, max_size=100),
    share=st.floats(0.01, 0.9),
    seed=st.integers(0, 9),
)
def test_equal_rows_stay_together(keys: list[int], share: float, seed: int) -> None:
    """Every row goes to one side, the same rows to the same, and neither side is empty."""
    if len(set(keys)) == 1:
        with pytest.raises(ValueError, match="1 different texts"):
            splitting.split_off(keys, share, seed)
        return
    staying, going = splitting.split_off(keys, share, seed)
    assert sorted(staying + going) == list(range(len(keys)))
    assert staying
    assert going
    assert not {keys[index] for index in staying} & {keys[index] for index in going}


def test_share_is_as_declared() -> None:
    """Of rows that all differ, exactly the share goes."""
    staying, going = splitting.split_off(range(1000), 0.2, 42)
    assert (len(staying), len(going)) == (800, 200)
    assert splitting.split_off(range(1000), 0.2, 43)[1] != going


@pytest.mark.parametrize(
    ("splits", "declared", "train", "others"),
    [
        (["train"], {}, "train", {"evaluation": 0.2}),
        (["all"], {}, "all", {"evaluation": 0.2}),
        (["train", "test"], {}, "train", {"evaluation": "test"}),
        (["train", "test", "dev"], {}, "train", {"evaluation": "dev"}),
        (["train", "test"], {"holdout": 0.1}, "train", {"evaluation": "test", "holdout": 0.1}),
        (["a", "b"], {"train": "b", "evaluation": "a"}, "b", {"evaluation": "a"}),
    ],
)
def test_division(
    splits: Collection[str],
    declared: dict[str, str | float],
    train: str,
    others: dict[str, str | float],
) -> None:
    """What is declared is taken; the rest goes by names."""
    division = splitting.divide(Dataset(path="x", splits=declared), splits, 42)
    assert division.train == train
    assert division.others == others


def test_unknown_split() -> None:
    """A split that is not there is answered with those that are."""
    with pytest.raises(SpecError, match="did you mean 'test'"):
        splitting.divide(Dataset(path="x", splits={"evaluation": "tests"}), ["train", "test"], 42)
    with pytest.raises(SourceError, match="no split 'train'"):
        splitting.divide(Dataset(path="x"), ["a", "b"], 42)

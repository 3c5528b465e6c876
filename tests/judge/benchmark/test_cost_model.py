"""Forecasts: shares are shares, the limit limits, and small cases are computed by hand."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core import collation
from harness.core.batching import compose
from harness.judge.benchmark.cost_model import Forecast, forecast, multiplications, typical

NAMED = (*collation.PLAIN, "pad_to_multiple_of:8", "max_tokens:64")


def planned(
    name: str, lengths: list[int], batch_size: int = 4, *, training: bool = True
) -> Forecast:
    """A strategy's forecast for a model 64 wide that reads 32 tokens."""
    strategy = collation.parse(name)
    batches = compose(
        np.asarray(lengths), strategy, batch_size=batch_size, max_length=32, training=training
    )
    return forecast(batches, strategy, max_length=32, hidden=64)


@given(
    st.sampled_from(NAMED),
    st.lists(st.integers(1, 64), min_size=1, max_size=100),
    st.integers(1, 9),
)
def test_the_limit_limits(name: str, lengths: list[int], batch_size: int) -> None:
    """No strategy saves more than padding costs; what is free of padding gets there."""
    plan = planned(name, lengths, batch_size)
    assert 0 <= plan.padding < 1
    assert 0 < plan.efficiency <= 1 + 1e-12
    assert plan.speedup == pytest.approx(plan.limit * plan.efficiency)
    if name == "padding_free":
        assert plan.efficiency == pytest.approx(1)
        assert plan.padding == 0


def test_by_hand() -> None:
    """Two examples of 8 and of 16 tokens, padded to 16 and to 32."""
    short, long, full = (24 * n * 64**2 + 4 * n**2 * 64 for n in (8, 16, 32))
    assert multiplications(np.asarray([8, 16, 32]), 64).tolist() == [short, long, full]
    plan = planned("dynamic", [8, 16])
    assert plan.padding == pytest.approx(8 / 32)
    assert plan.efficiency == pytest.approx((short + long) / (2 * long))
    assert plan.speedup == pytest.approx(full / long)
    assert plan.limit == pytest.approx(2 * full / (short + long))
    assert (plan.batches, plan.largest, plan.variation) == (1, 32, 0)


def test_no_batch_is_wider_than_the_model_reads() -> None:
    """One of four examples is longer."""
    assert planned("dynamic", [33, 32, 4, 5]).largest == 4 * 32


def test_a_budget_would_weigh_long_examples_more() -> None:
    """A mean over each batch counts an example of a small batch more; equal batches do not."""
    lengths = np.random.default_rng(0).integers(1, 32, 400).tolist()
    assert planned("dynamic", lengths).weights == pytest.approx([1] * 10)
    weights = planned("max_tokens:64", lengths).weights
    assert weights[0] < 0.7
    assert weights[-1] > 1.5


@pytest.mark.parametrize("name", NAMED)
def test_memory_grows_with_the_examples_alone(name: str) -> None:
    """Twice as many examples take about twice the memory, whatever the strategy."""
    peaks = []
    for examples in (50_000, 100_000):
        lengths = np.random.default_rng(0).integers(2, 32, examples)
        tracemalloc.start()
        batches = compose(lengths, collation.parse(name), batch_size=16, max_length=32)
        forecast(batches, collation.parse(name), max_length=32, hidden=64)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2.5 * peaks[0]


@given(st.lists(st.floats(1, 100), min_size=1, max_size=300), st.integers(1, 12))
def test_typical_batches_stand_for_all(costs: list[float], count: int) -> None:
    """Each once, from all over the range, so that their mean is near that of all."""
    chosen = typical(np.asarray(costs), count)
    assert len(set(chosen.tolist())) == min(count, len(costs))
    apart = np.mean(np.asarray(costs)[chosen]) - np.mean(costs)
    assert abs(apart) <= np.ptp(costs) / min(count, len(costs)) + 1e-9


def test_sorting_helps_where_lengths_differ() -> None:
    """Grouped lengths pad less than random ones, sorted least; equal lengths leave nothing."""
    lengths = np.random.default_rng(0).integers(1, 32, 400).tolist()
    padded = [planned(name, lengths).padding for name in ("dynamic", "packed", "group_by_length")]
    padded.append(planned("sorted", lengths, training=False).padding)
    assert padded == sorted(padded, reverse=True)
    assert padded[0] > 2 * padded[2]
    assert {planned(name, [16] * 64).padding for name in ("dynamic", "group_by_length")} == {0}
    assert planned("dynamic", lengths).variation > 0

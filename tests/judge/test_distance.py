"""Distances: each figure of a test is judged by itself, and all that are off are named."""

import math
from dataclasses import replace

import pytest

from harness.judge.distance import Distance, MismatchError, compare, judging
from harness.judge.tolerances import DOUBLE, measuring


def distance_of(values: list[float], expected: list[float], band: float = 0.1) -> Distance:
    """How far off a figure is."""
    with pytest.raises(MismatchError) as caught:
        compare("x", values, expected, band)
    return caught.value.distances["x"]


def test_every_figure_that_is_off_is_named() -> None:
    """The first does not hide the next; what is right is not named; the worst of a name counts."""

    def judge() -> None:
        with judging():
            compare("loss", [2.0, 1.0], [1.0, 1.0], DOUBLE)
            compare("rate", [0.5], [0.5], DOUBLE)
            compare("norm", [3.0], [3.3], DOUBLE)
            compare("norm", [3.0], [6.0], DOUBLE)

    with pytest.raises(MismatchError) as caught:
        judge()
    assert list(caught.value.distances) == ["loss", "norm"]
    assert caught.value.distances["norm"].expected == 6.0
    assert "loss, value 1: 2.0, expected 1.0; +0.5 off, 1e-12 may be; norm" in str(caught.value)


def test_what_else_ends_a_test_does_not_hide_a_figure() -> None:
    """An assertion, or an error that the wrong figure led to, is named beside it."""

    def judge(values: list[float], error: Exception) -> None:
        with judging():
            compare("loss", values, [1.0, 1.0], DOUBLE)
            raise error

    for error in (AssertionError("rows"), ValueError("rows")):
        line = f"loss: 1 values, expected 2; {type(error).__name__}: rows"
        with pytest.raises(MismatchError, match=line) as caught:
            judge([1.0], error)
        _, ended = caught.value.distances.values()
        assert ended.like(ended)
        assert not ended.like(replace(ended, value="columns"))
        assert replace(ended, value="loss 0.5").like(replace(ended, value="loss 0.50000001"))
        assert not replace(ended, value="loss 0.5").like(replace(ended, value="loss 0.6"))
    with pytest.raises(ValueError, match=r"^rows$"):
        judge([1.0, 1.0], ValueError("rows"))


def test_numbers_missing_and_not_finite_are_off_before_any_band() -> None:
    """So is a drift of all values to one side, which is a scaling's signature."""
    assert distance_of([1.0], [1.0, 1.0], math.inf).apart == math.inf
    assert distance_of([math.nan], [1.0], 1e9).apart == math.inf
    drifted = distance_of([0.08, 0.06], [0.0, 0.0])
    assert drifted.apart == pytest.approx(0.14)
    compare("x", [0.08, -0.08], [0.0, 0.0], 0.1)


def test_noise_is_noted() -> None:
    """A band knows how near it came."""
    with measuring() as noise:
        compare("x", [1.0], [1.0 + 1e-15], DOUBLE)
    assert noise["DOUBLE"] == pytest.approx(1e-15, rel=0.2)


def test_a_fault_that_changed_its_size_is_another() -> None:
    """To rounding it is the same; its sign counts, and it survives being written as JSON."""
    twice, again = distance_of([2.0], [1.0]), distance_of([2.0 + 1e-9], [1.0])
    assert twice.like(again)
    assert twice.factor == 2.0
    for other in ([3.0], [0.5], [math.nan]):
        assert not twice.like(distance_of(other, [1.0]))
    one, two = (distance_of([math.nan] * n + [1.0] * (2000 - n), [1.0] * 2000, 0.0) for n in (1, 2))
    assert one.like(one)
    assert not one.like(two)
    for known in (twice, distance_of([math.nan], [1.0]), distance_of([], [1.0])):
        assert Distance.from_json(known.to_json()).like(known)

"""Speed: a collation computes what its examples give alone; on demand, it is timed.

The contest times all collations in turn. What it measured is replayed to pytest-benchmark, so that
its table, its files and its comparisons tell of rounds that met the machine alike.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.judge.benchmark.ranking import Mode, Rank


class Replay:
    """A clock that goes on by what was measured, for one test of pytest-benchmark's."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.now = 0.0

    def time(self) -> float:
        """Seconds so far."""
        return self.now

    def play(self, benchmark: Any, rank: "Rank") -> None:
        """Have pytest-benchmark see the rounds of a collation."""
        rounds = iter(rank.seconds)

        def take() -> None:
            self.now += next(rounds)

        benchmark.pedantic(take, rounds=len(rank.seconds))


class Speed:
    """Collations are sound, and how fast they are."""

    def test_computes_the_same(self, unsound: Callable[[], list[str]]) -> None:
        """Logits, loss and gradient of an example are its own, whoever is in its batch."""
        assert not unsound()

    @pytest.mark.nightly
    @pytest.mark.benchmark
    def test_training_speed(
        self, replay: Replay, rank_of: "Callable[[Mode], Rank]", benchmark: Any
    ) -> None:
        """Forward, backward and update."""
        replay.play(benchmark, rank_of("train"))

    @pytest.mark.nightly
    @pytest.mark.benchmark
    def test_prediction_speed(
        self, replay: Replay, rank_of: "Callable[[Mode], Rank]", benchmark: Any
    ) -> None:
        """Forward alone, of the same batches."""
        replay.play(benchmark, rank_of("predict"))

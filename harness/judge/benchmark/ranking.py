"""Standings: how fast a collation is beside the others, from what its rounds took."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal, Self

import numpy as np

from harness.core.batching import Batches, starts
from harness.core.collation import Collation
from harness.judge import statistics
from harness.judge.benchmark.cost_model import Forecast, costs_of, forecast, typical
from harness.judge.statistics import Ratio

Mode = Literal["train", "predict"]

TIMED = 4
"""Batches of a round."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rank:
    """How fast a collation is.

    Attributes:
        collation: its name.
        mode: what was timed.
        forecast: what was expected of it.
        seconds: for as many examples as a full batch has, in every round.
        speedup: over `max_length`, of paired rounds; None where that could not run.
        samples_per_second: median over rounds.
        tokens_per_second: real ones, likewise.
        steps_per_second: likewise.
        collating: share of the time in which the host makes batches.
        phases: share of the time by phase.
        memory: bytes at the peak of a step, over what model and optimizer hold.
        graphs: that `torch.compile` made.
        breaks: where it gave up and went on.
        kernel: name of what computes attention.
        dropout: largest probability of the model's layers.
    """

    collation: str
    mode: Mode
    forecast: Forecast
    seconds: tuple[float, ...]
    speedup: Ratio | None
    samples_per_second: float
    tokens_per_second: float
    steps_per_second: float
    collating: float
    phases: Mapping[str, float]
    memory: int
    graphs: int
    breaks: int
    kernel: str
    dropout: float

    @property
    def trajectory(self) -> str:
        """What training has in common with training under dynamic padding."""
        return self.forecast.trajectory

    @property
    def of_limit(self) -> float | None:
        """Share of the speed that the same data would have if nothing were padding."""
        return None if self.speedup is None else self.speedup.mean / self.forecast.limit

    @property
    def of_forecast(self) -> float | None:
        """Measured over predicted speed-up."""
        return None if self.speedup is None else self.speedup.mean / self.forecast.speedup

    def over(self, other: "Rank") -> Ratio:
        """How many times as fast as another, by paired rounds."""
        return _faster(self.seconds, other.seconds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entrant:
    """A collation that is to be timed.

    Attributes:
        forecast: of an epoch.
        batches: some that stand for the epoch's, as lengths of their examples.
        weight: mean cost of the epoch's batches over that of these.
        examples: of a batch, on average.
        tokens: real ones of an example, on average.
        batch_size: examples of a full batch.
    """

    forecast: Forecast
    batches: list[list[int]]
    weight: float
    examples: float
    tokens: float
    batch_size: int

    @classmethod
    def of(
        cls, strategy: Collation, epoch: Batches, *, batch_size: int, max_length: int, hidden: int
    ) -> Self:
        """Choose the batches that stand for an epoch."""
        costs = costs_of(epoch, strategy, hidden)
        chosen = typical(costs, TIMED)
        each = np.split(epoch.lengths, starts(epoch.sizes)[1:])
        return cls(
            forecast=forecast(epoch, strategy, max_length=max_length, hidden=hidden),
            batches=[each[batch].tolist() for batch in chosen],
            weight=float(costs.mean() / costs[chosen].mean()),
            examples=float(epoch.sizes.mean()),
            tokens=float(epoch.lengths.mean()),
            batch_size=batch_size,
        )

    def rank(
        self,
        mode: Mode,
        warm: Sequence[Mapping[str, Any]],
        rounds: Sequence[Mapping[str, Any]],
        baseline: Sequence[float],
    ) -> Rank:
        """What its rounds say.

        Args:
            mode: what was timed.
            warm: a `Pacer`'s answers while it warmed up.
            rounds: and its answers of the rounds after that.
            baseline: seconds of the baseline's rounds; empty if it could not run.
        """
        seconds = self.seconds(rounds)
        step = median(seconds) * self.examples / self.batch_size
        wall = sum(each["seconds"] for each in rounds)
        return Rank(
            collation=self.forecast.name,
            mode=mode,
            forecast=self.forecast,
            seconds=seconds,
            speedup=_faster(seconds, baseline) if baseline else None,
            samples_per_second=self.examples / step,
            tokens_per_second=self.examples * self.tokens / step,
            steps_per_second=1 / step,
            collating=sum(each["collating"] for each in rounds) / wall,
            phases={
                phase: sum(each["laps"][phase] for each in rounds) / wall
                for phase in rounds[0]["laps"]
            },
            memory=warm[-1]["memory"],
            graphs=sum(each["graphs"] for each in [*warm, *rounds]),
            breaks=max(each["breaks"] for each in [*warm, *rounds]),
            kernel=rounds[0]["kernel"],
            dropout=rounds[0]["dropout"],
        )

    def seconds(self, rounds: Sequence[Mapping[str, Any]]) -> tuple[float, ...]:
        """For as many examples as a full batch has, by round."""
        scale = self.weight / len(self.batches) / self.examples * self.batch_size
        return tuple(each["seconds"] * scale for each in rounds)


def _faster(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Theirs over ours, round by round."""
    return statistics.ratio([math.log(b / a) for a, b in zip(ours, theirs, strict=True)])

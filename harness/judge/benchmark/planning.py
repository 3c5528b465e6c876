"""Plans: what each collation would cost on a recipe's examples, by their lengths alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from harness.core import collation
from harness.core.batching import Integers, compose
from harness.judge.benchmark.cost_model import Forecast, advice, forecast

HEADER = (
    f"{'strategy':<20}{'speed-up':>9}{'of limit':>9}{'padding':>9}{'batches':>9}"
    f"{'cost varies':>13}{'largest batch':>15}  training"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CollationPlan:
    """What collations would cost.

    Attributes:
        title: of what.
        lengths: tokens of the examples.
        max_length: longer ones are cut.
        forecasts: of every strategy.
    """

    title: str
    lengths: Integers
    max_length: int
    forecasts: tuple[Forecast, ...]

    @classmethod
    def of(
        cls, title: str, lengths: Integers, *, batch_size: int, max_length: int, hidden: int
    ) -> Self:
        """The plan of examples of some lengths, for a model of some width."""
        cut = np.minimum(lengths, max_length)
        budget = max(round(batch_size * cut.mean()), int(cut.max()))
        multiples = map(collation.multiples_of, (8, 64))
        forecasts = []
        for strategy in (*collation.PLAIN.values(), *multiples, collation.within(budget)):
            batches = compose(
                lengths,
                strategy,
                batch_size=batch_size,
                max_length=max_length,
                training=not strategy.sorted,
            )
            forecasts.append(forecast(batches, strategy, max_length=max_length, hidden=hidden))
        return cls(title=title, lengths=lengths, max_length=max_length, forecasts=tuple(forecasts))

    def lines(self) -> Iterator[str]:
        """What was measured, the table, the fastest first, and the advice."""
        lengths, forecasts = self.lengths, self.forecasts
        speedups = {each.name: each.speedup for each in forecasts}
        low, middle, high = np.quantile(lengths, [0.05, 0.5, 0.95]).astype(int)
        yield (
            f"{len(lengths):,} examples of {lengths.min()} to {lengths.max()} tokens, half of them "
            f"at most {middle}, nine of ten {low} to {high}; "
            f"{np.mean(lengths > self.max_length):.1%} are cut"
        )
        yield f"at most {forecasts[0].limit:.2f} times as fast as padding to max_length"
        yield ""
        yield HEADER
        yield from map(_line, sorted(forecasts, key=lambda each: -each.speedup))
        yield ""
        for name, why in advice({each: each.speedup for each in forecasts}).items():
            yield f"{why}: {name}, {speedups[name]:.2f} times as fast"


def _line(strategy: Forecast) -> str:
    """A strategy's line."""
    return (
        f"{strategy.name:<20}{strategy.speedup:>8.2f}x{strategy.efficiency:>9.1%}"
        f"{strategy.padding:>9.1%}{strategy.batches:>9,}{strategy.variation:>13.1%}"
        f"{strategy.largest:>15,}  {strategy.trajectory}"
    )

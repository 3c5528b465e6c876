"""Signals: figures that are followed from night to night, and how runs become observations."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.judge.metric_kinds import kind_of
from harness.judge.nightly.observation import Observation
from harness.judge.store.entry import Entry

ROUND = 3
"""Runs that a night makes of a cell before it looks at what they say."""

LEAST = 1e-12
"""Stands for what is smaller where logarithms are followed: nothing has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """What is followed from night to night.

    Attributes:
        higher: whether more is better; None if neither is.
        ratio: whether it moves by shares of itself.
        floor: standard error of a round that is never fallen short of.
        chaotic: whether rounding alone can move it: then a night that is equal to the last bit to
            the one before says nothing new, and other seeds tell how far it may move.
    """

    higher: bool | None
    ratio: bool
    floor: float
    chaotic: bool

    def seen(self, value: float) -> float:
        """A value as it is followed."""
        return math.log(max(value, LEAST)) if self.ratio else value

    def shown(self, value: float) -> float:
        """The other way round."""
        return math.exp(value) if self.ratio else value


FIGURES: Mapping[str, Figure] = {
    "early_loss": Figure(higher=None, ratio=False, floor=0.0002, chaotic=False),
    "samples_per_second": Figure(higher=True, ratio=True, floor=0.005, chaotic=False),
    "memory": Figure(higher=False, ratio=True, floor=0.005, chaotic=False),
    "padding": Figure(higher=False, ratio=False, floor=0.0005, chaotic=False),
}
"""Of every cell, beside its metrics."""

SPEED = "samples_per_second"
"""The one figure of an accepted run that is no metric."""


def figure_names(compared: Sequence[str]) -> tuple[str, ...]:
    """Names of a cell's figures: the metrics that nights compare, the loss, and those of all."""
    return tuple(dict.fromkeys([*compared, "loss", *FIGURES]))


def figure_of(name: str) -> Figure:
    """The figure of that name."""
    if name in FIGURES:
        return FIGURES[name]
    kind = kind_of(name)
    return Figure(higher=kind.higher, ratio=kind.ratio, floor=kind.floor, chaotic=True)


def rounds_of(name: str, entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Runs that make one observation: of one night, no more than `ROUND`.

    Where the seed decides a figure and chaos does not blur it, only runs of the recipe's own seed
    count, which is the most frequent one.
    """
    figure = figure_of(name)
    measured = [entry for entry in entries if entry.value(name) is not None]
    if not (figure.chaotic or figure.ratio):
        seeds = [entry.seed for entry in measured]
        own = max(dict.fromkeys(seeds), key=seeds.count, default=0)
        measured = [entry for entry in measured if entry.seed == own]
    measured.sort(key=lambda entry: (entry.night, entry.moment))
    for _, group in groupby(measured, lambda entry: entry.night):
        night = [*group]
        yield from (night[start : start + ROUND] for start in range(0, len(night), ROUND))


def observations(name: str, rounds: Sequence[Sequence[Entry]]) -> Iterator[Observation]:
    """The observations that rounds make."""
    figure = figure_of(name)
    values = [[figure.seen(entry.value(name) or 0.0) for entry in entries] for entries in rounds]
    alone = [len({entry.seed for entry in entries}) == len(entries) for entries in rounds]
    spread = _spread([part for part, several in zip(values, alone, strict=True) if several])
    before: list[tuple[int, float]] = []
    for entries, part in zip(rounds, values, strict=True):
        now = [(entry.seed, value) for entry, value in zip(entries, part, strict=True)]
        error = spread
        if not spread and kind_of(name).by_example:
            share, examples = part[0], max(1, entries[0].examples)
            error = math.sqrt(share * (1 - share) / examples)
        yield Observation(
            night=entries[0].night,
            value=sum(part) / len(part),
            error=error / math.sqrt(len(part)),
            repeats=figure.chaotic and spread > 0 and now == before,
        )
        before = now


def _spread(rounds: Sequence[Sequence[float]]) -> float:
    """Standard deviation of a run within its round, over all rounds; 0 if all are single runs."""
    squares = sum((v - sum(part) / len(part)) ** 2 for part in rounds for v in part)
    degrees = sum(len(part) - 1 for part in rounds)
    return math.sqrt(squares / degrees) if degrees else 0.0

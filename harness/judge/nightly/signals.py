"""Figures: what is followed from night to night, and how runs become observations of it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.judge.nightly.observation import Observation
from harness.judge.store.entry import Entry

ROUND = 3
"""Runs that a night makes of a cell before it looks at what they say."""


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
        return math.log(max(value, 1e-12)) if self.ratio else value

    def shown(self, value: float) -> float:
        """The other way round."""
        return math.exp(value) if self.ratio else value


FIGURES: Mapping[str, Figure] = {
    "accuracy": Figure(higher=True, ratio=False, floor=0.001, chaotic=True),
    "loss": Figure(higher=False, ratio=False, floor=0.002, chaotic=True),
    "early_loss": Figure(higher=None, ratio=False, floor=0.0002, chaotic=False),
    "samples_per_second": Figure(higher=True, ratio=True, floor=0.005, chaotic=False),
    "memory": Figure(higher=False, ratio=True, floor=0.005, chaotic=False),
    "padding": Figure(higher=False, ratio=False, floor=0.0005, chaotic=False),
}

SPEED = "samples_per_second"
"""The one figure of an accepted run that is no metric."""


def rounds_of(name: str, entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Runs that make one observation: of one night, no more than `ROUND`.

    What a seed decides and no chaos blurs is told by the recipe's own seed, the most frequent one.
    """
    figure = FIGURES[name]
    told = [entry for entry in entries if getattr(entry, name) is not None]
    if not (figure.chaotic or figure.ratio):
        seeds = [entry.seed for entry in told]
        own = max(dict.fromkeys(seeds), key=seeds.count, default=0)
        told = [entry for entry in told if entry.seed == own]
    told.sort(key=lambda entry: (entry.night, entry.moment))
    for _, group in groupby(told, lambda entry: entry.night):
        night = [*group]
        yield from (night[start : start + ROUND] for start in range(0, len(night), ROUND))


def observations(name: str, rounds: Sequence[Sequence[Entry]]) -> Iterator[Observation]:
    """What rounds say."""
    figure = FIGURES[name]
    values = [[figure.seen(getattr(entry, name)) for entry in entries] for entries in rounds]
    alone = [len({entry.seed for entry in entries}) == len(entries) for entries in rounds]
    spread = _spread([found for found, several in zip(values, alone, strict=True) if several])
    before: list[tuple[int, float]] = []
    for entries, found in zip(rounds, values, strict=True):
        now = [(entry.seed, value) for entry, value in zip(entries, found, strict=True)]
        error = spread
        if not spread and name == "accuracy":
            share, examples = entries[0].accuracy or 0.0, max(1, entries[0].examples)
            error = math.sqrt(share * (1 - share) / examples)
        yield Observation(
            night=entries[0].night,
            value=sum(found) / len(found),
            error=error / math.sqrt(len(found)),
            repeats=figure.chaotic and spread > 0 and now == before,
        )
        before = now


def _spread(rounds: Sequence[Sequence[float]]) -> float:
    """Standard deviation of a run within its round, over all rounds; 0 if none tells."""
    squares = sum((v - sum(found) / len(found)) ** 2 for found in rounds for v in found)
    degrees = sum(len(found) - 1 for found in rounds)
    return math.sqrt(squares / degrees) if degrees else 0.0

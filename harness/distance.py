"""Distances: how far a figure is from what it should be, each figure judged by itself.

A test that compares several figures names every one that is too far off, not the first alone: a
fault that spreads from the loss to the gradient, or grows, would otherwise look as it did before.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from typing import Any, Self

from harness.tolerance import SIZE, Band

_judged: ContextVar[list["Distance"] | None] = ContextVar("judged", default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Distance:
    """A figure, which is a series of values, that is too far from what it should be.

    Attributes:
        figure: its name.
        value: the first that is too far off; the number of values if it is that.
        expected: what it should be.
        place: of that value in the series, from 1; 0 if it is their number.
        apart: the largest difference, with its sign, relative to 1 or to the values themselves;
            twice the mean difference where that alone is too large.
        band: how large it may be.
    """

    figure: str
    value: float
    expected: float
    place: int
    apart: float
    band: float

    @property
    def factor(self) -> float:
        """How many times what it should be the value is."""
        return self.value / self.expected if self.expected else math.inf

    @property
    def text(self) -> str:
        """For a reader."""
        if not self.place:
            return f"{self.figure}: {self.value:g} values, expected {self.expected:g}"
        allowed = f"{self.band:.0e}" if self.band else "nothing"
        return (
            f"{self.figure}, value {self.place}: {self.value!r}, expected {self.expected!r}; "
            f"{self.apart:+.2g} off, {allowed} may be"
        )

    def to_json(self) -> dict[str, Any]:
        """The distance as JSON types; a number that is not finite is null."""
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The distance that `to_json` wrote."""
        given: dict[str, Any] = {n: math.inf if v is None else v for n, v in values.items()}
        return cls(**given)

    def like(self, other: Self) -> bool:
        """Whether another run of the same comparison is as far off, to rounding."""
        if self.apart == other.apart:
            return True
        return abs(self.apart - other.apart) <= max(self.band, SIZE * abs(self.apart))


class MismatchError(AssertionError):
    """Figures that are not what they should be."""

    def __init__(self, distances: Iterable[Distance], besides: str = "") -> None:
        """Name them all, and what else was wrong."""
        self.distances: dict[str, Distance] = {}
        for distance in distances:
            known = self.distances.get(distance.figure, distance)
            self.distances[distance.figure] = max(known, distance, key=lambda d: abs(d.apart))
        self.besides = besides
        texts = [distance.text for distance in self.distances.values()]
        super().__init__("; ".join([*texts, besides] if besides else texts))


@contextmanager
def judging() -> Iterator[None]:
    """Judge every figure that is compared while the block runs, and name all that are off.

    Raises:
        MismatchError: at the end of the block; also where something else ended it.
    """
    judged: list[Distance] = []
    token = _judged.set(judged)
    try:
        yield
    except Exception as error:
        if not judged:
            raise
        raise MismatchError(judged, str(error).partition("\n")[0]) from error
    finally:
        _judged.reset(token)
    if judged:
        raise MismatchError(judged)


def compare(figure: str, values: Sequence[float], expected: Sequence[float], band: float) -> None:
    """Hold a figure's values against what they should be: same length, all finite, near each other.

    Each difference counts relative to 1 or to the value itself, whichever is larger. A mean
    difference of more than half the band, all on one side, is too much: scaling faults look so.

    Raises:
        MismatchError: they are not, and nobody judges the figures of a whole test.
    """
    distance = _distance(figure, values, expected, band)
    if distance is None:
        return
    judged = _judged.get()
    if judged is None:
        raise MismatchError([distance])
    judged.append(distance)


def _distance(
    figure: str, values: Sequence[float], expected: Sequence[float], band: float
) -> Distance | None:
    """How far a figure is off, if that is too far."""
    if len(values) != len(expected):
        return Distance(
            figure=figure,
            value=len(values),
            expected=len(expected),
            place=0,
            apart=math.inf,
            band=float(band),
        )
    apart = [
        (a - b) / max(1.0, abs(a), abs(b)) if math.isfinite(a) and math.isfinite(b) else math.inf
        for a, b in zip(values, expected, strict=True)
    ]
    largest = max(apart, key=abs, default=0.0)
    if isinstance(band, Band):
        band.note(abs(largest))
    beyond = [place for place, difference in enumerate(apart) if abs(difference) > band]
    drift = sum(apart) / max(1, len(apart))
    if not beyond and abs(drift) <= band / 2:
        return None
    place = beyond[0] if beyond else apart.index(largest)
    return Distance(
        figure=figure,
        value=float(values[place]),
        expected=float(expected[place]),
        place=place + 1,
        apart=largest if beyond else 2 * drift,
        band=float(band),
    )

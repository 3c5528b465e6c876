"""Distances: how far a figure is from what it should be, each figure judged by itself.

A test that compares several figures names every one that is too far off, not the first alone: a
fault that spreads from the loss to the gradient, or grows, would otherwise look as it did before.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from numbers import Real
from typing import Any, Self, TypeGuard

from harness.judge.tolerances import SIZE, Band

_MOST = 2.0
"""The largest difference between finite values, relative to the larger: one counts as this much in
a mean that is infinite."""

_LONGEST, _SHOWN = 200, 12
"""Characters of a value, and figures, that a message shows."""

_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.])")

_judged: ContextVar[list["Distance"] | None] = ContextVar("judged", default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Distance:
    """A figure, which is a series of values, that is too far from what it should be.

    Attributes:
        figure: its name.
        value: the first that is too far off, as text if it is no number; the number of values if
            it is that; or a sentence.
        expected: what it should be.
        place: of that value in the series, from 1; 0 if it is none of them.
        apart: the largest difference, with its sign, relative to 1 or to the values themselves;
            twice the mean difference where that alone is too large. Infinite between values that
            are not finite, or no numbers.
        mean: of all differences: a fault that spreads has another.
        band: how large it may be.
    """

    figure: str
    value: float | str
    expected: float | str
    place: int
    apart: float
    mean: float
    band: float

    @property
    def factor(self) -> float:
        """How many times what it should be the value is."""
        if isinstance(self.value, str) or isinstance(self.expected, str) or not self.expected:
            return math.inf
        return self.value / self.expected

    @property
    def text(self) -> str:
        """For a reader."""
        if not self.place and isinstance(self.value, str):
            return f"{self.figure}: {self.value}"
        if not self.place:
            return f"{self.figure}: {self.value:g} values, expected {self.expected:g}"
        if isinstance(self.value, str) or isinstance(self.expected, str):
            value, expected = str(self.value)[:_LONGEST], str(self.expected)[:_LONGEST]
            return f"{self.figure}, value {self.place}: {value}, expected {expected}"
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
        """Whether another run of the same comparison is as far off, to rounding.

        What is infinitely far off is so at the same place, and is the same there.
        """
        size = min(abs(self.apart), 1.0) if math.isfinite(self.apart) else abs(self.mean)
        if abs(self.mean - other.mean) > max(self.band, SIZE * size):
            return False
        if math.isfinite(self.apart) and math.isfinite(other.apart):
            return abs(self.apart - other.apart) <= max(self.band, SIZE * abs(self.apart))
        return (
            self.place == other.place
            and _same(self.value, other.value)
            and _same(self.expected, other.expected)
        )


class MismatchError(AssertionError):
    """Figures that are not what they should be."""

    def __init__(self, distances: Iterable[Distance]) -> None:
        """Name them all."""
        self.distances: dict[str, Distance] = {}
        for distance in distances:
            known = self.distances.get(distance.figure, distance)
            self.distances[distance.figure] = max(known, distance, key=lambda d: abs(d.apart))
        texts = [distance.text for distance in self.distances.values()][:_SHOWN]
        if len(self.distances) > _SHOWN:
            texts.append(f"and {len(self.distances) - _SHOWN} more")
        super().__init__("; ".join(texts))


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
        sentence = str(error).partition("\n")[0]  # which may be another in another run
        raise MismatchError([*judged, _of_sentence(type(error).__name__, sentence)]) from error
    finally:
        _judged.reset(token)
    if judged:
        raise MismatchError(judged)


def compare(figure: str, values: Sequence[Any], expected: Sequence[Any], band: float = 0.0) -> None:
    """Hold a figure's values against what they should be: same length, all finite, near each other.

    Each difference counts relative to 1 or to the value itself, whichever is larger. A mean
    difference of more than half the band, all on one side, is too much: scaling faults look so.
    Values that are no numbers must be equal.

    Raises:
        MismatchError: they are not, and nobody judges the figures of a whole test.
    """
    distance = _distance(figure, values, expected, band)
    if distance is not None:
        _judge(distance)


def require(figure: str, values: Sequence[Any], holds: Callable[[Any], bool], wanted: str) -> None:
    """Hold a figure's values against a condition, such as a bound.

    Args:
        figure: its name.
        values: of it.
        holds: whether one is as it should be.
        wanted: what one should be, such as `at most 12`.

    Raises:
        MismatchError: as `compare` does.
    """
    compare(figure, values, [value if holds(value) else wanted for value in values])


def hold(figure: str, holds: bool, sentence: str) -> None:  # noqa: FBT001 - as `assert` takes it
    """Hold a figure to be as it should be, where a sentence says best what is not.

    Raises:
        MismatchError: as `compare` does.
    """
    if not holds:
        _judge(_of_sentence(figure, sentence))


def compare_names(figure: str, names: Iterable[str], expected: Iterable[str]) -> None:
    """Hold a set of names against what it should be: each that is too many or missing is a figure.

    Raises:
        MismatchError: as `compare` does.
    """
    there, wanted = {*names}, {*expected}
    for name in sorted(there ^ wanted):
        compare(f"{figure}: {name}", [name in there], [name in wanted])


def _distance(
    figure: str, values: Sequence[Any], expected: Sequence[Any], band: float
) -> Distance | None:
    """How far a figure is off, if that is too far."""
    if len(values) != len(expected):
        return Distance(
            figure=figure,
            value=float(len(values)),
            expected=float(len(expected)),
            place=0,
            apart=math.inf,
            mean=0.0,
            band=float(band),
        )
    apart = [_difference(a, b) for a, b in zip(values, expected, strict=True)]
    largest = max(apart, key=abs, default=0.0)
    if isinstance(band, Band):
        band.note(abs(largest))
    beyond = [place for place, difference in enumerate(apart) if abs(difference) > band]
    mean = sum(max(-_MOST, min(_MOST, difference)) for difference in apart) / max(1, len(apart))
    if not beyond and abs(mean) <= band / 2:
        return None
    place = beyond[0] if beyond else apart.index(largest)
    return Distance(
        figure=figure,
        value=_plain(values[place]),
        expected=_plain(expected[place]),
        place=place + 1,
        apart=largest if beyond else 2 * mean,
        mean=mean,
        band=float(band),
    )


def _judge(distance: Distance) -> None:
    """Remember a figure that is off until the test's end, if somebody judges all of them.

    Raises:
        MismatchError: nobody does.
    """
    judged = _judged.get()
    if judged is None:
        raise MismatchError([distance])
    judged.append(distance)


def _of_sentence(figure: str, sentence: str) -> Distance:
    """A figure of which a sentence says what is off."""
    return Distance(
        figure=figure,
        value=sentence,
        expected="",
        place=0,
        apart=math.inf,
        mean=0.0,
        band=0.0,
    )


def _difference(value: Any, expected: Any) -> float:
    """How far a value is off: relative, if both are finite numbers; infinitely, if not equal."""
    if not (_is_number(value) and _is_number(expected)):
        return 0.0 if value == expected else math.inf
    if not (math.isfinite(value) and math.isfinite(expected)):
        return math.inf
    return float((value - expected) / max(1.0, abs(value), abs(expected)))


def _plain(value: Any) -> float | str:
    """A value as JSON can hold it."""
    return float(value) if _is_number(value) else str(value)


def _is_number(value: Any) -> TypeGuard[float]:
    """Whether a value is one; true and false are none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def _same(value: float | str, other: float | str) -> bool:
    """Whether two values are the same, to rounding if they are numbers; none is finite, if one."""
    if isinstance(value, str) and isinstance(other, str):
        return alike(value, other)
    if isinstance(value, str) or isinstance(other, str):
        return False
    if math.isfinite(value) and math.isfinite(other):
        return math.isclose(value, other, rel_tol=SIZE)
    return math.isfinite(value) is math.isfinite(other)


def alike(one: str, other: str) -> bool:
    """Whether two messages say the same, their numbers to rounding."""
    if _NUMBER.split(one) != _NUMBER.split(other):
        return False
    numbers = zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
    return all(math.isclose(float(a), float(b), rel_tol=SIZE) for a, b in numbers)

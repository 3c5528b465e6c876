"""Literals: what the cells of a CSV file stand for, which is text until somebody decides.

All labels of a column are looked at before one is a number: where a single one is a word, `3` is
a name like any other.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial

Value = bool | int | float | str

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")  # more digits are a name: of a ticket, of a product
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_BETWEEN = (",", ";", "|")
"""What may stand between labels."""

_AROUND = " \t\n'\"[](){}"
_TRUTH = {"true": True, "false": False}


def kind_of(texts: Iterable[str]) -> Callable[[str], Value]:
    """What makes values of the texts of a column: numbers, truth values, or the texts themselves.

    It leaves a text that is none of the kind as it is.
    """
    bare = [text.strip() for text in texts]
    if bare and all(text.lower() in _TRUTH for text in bare):
        return _truth
    if bare and all(_WHOLE.fullmatch(text) for text in bare):
        return _whole
    if bare and all(_NUMBER.fullmatch(text) for text in bare):
        return _number
    return _text


def joined(texts: Iterable[str]) -> Callable[[str], list[str]]:
    """What takes cells apart that name several labels each: `a,b`, `a; b` or `['a', 'b']`."""
    counts = Counter(sign for text in texts for sign in text if sign in _BETWEEN)
    mark = max(_BETWEEN, key=lambda sign: counts[sign])
    return partial(_parts, mark=mark)


def _parts(text: str, mark: str) -> list[str]:
    """The parts of a text between marks, less quotes and brackets."""
    return [part for part in (piece.strip(_AROUND) for piece in text.split(mark)) if part]


def _truth(text: str) -> Value:
    """A truth value."""
    return _TRUTH.get(text.strip().lower(), text)


def _whole(text: str) -> Value:
    """A whole number."""
    return int(text) if _WHOLE.fullmatch(text.strip()) else text


def _number(text: str) -> Value:
    """A number with a point."""
    return float(text) if _NUMBER.fullmatch(text.strip()) else text


def _text(text: str) -> Value:
    """A text, less the space around it."""
    return text.strip()

"""Dataclasses as plain JSON and back, led by their declared types."""

import contextlib
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from harness.core.errors import MisfitError, kind_named, short, unknown

Place = tuple[str | int, ...]
"""Keys and indices that lead to a value inside another."""


def plain(value: object) -> object:
    """JSON for a nested dataclass."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    message = f"JSON cannot hold {type(value).__name__}"
    raise TypeError(message)


_UNIONS = (UnionType, Union)
"""Both are what `|` makes: of classes, and of anything else, such as a `Literal`."""

hints: Callable[[Any], dict[str, Any]] = lru_cache(get_type_hints)
"""Declared types of a class, resolved once: a record has thousands of small parts."""


def decode(hint: Any, value: Any) -> Any:
    """Rebuild dataclasses and tuples from plain JSON of ours, led by the declared types."""
    return _decoder(hint)(value)


@cache
def _decoder(hint: Any) -> Callable[[Any], Any]:
    """What rebuilds values of a declared type: looked at once, for a record has thousands."""
    if isinstance(hint, type) and is_dataclass(hint):
        declared = hints(hint)  # what a class holds may be of the class itself: resolved later
        return lambda value: hint(
            **{name: _decoder(declared[name])(part) for name, part in value.items()}
        )
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in _UNIONS:
        return _alternative_decoder([part for part in arguments if part is not NoneType])
    if origin is tuple:
        item = _decoder(arguments[0])
        return lambda value: tuple(map(item, value))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        named = _decoder(arguments[1])
        return lambda value: (
            {name: named(part) for name, part in value.items()}
            if isinstance(value, dict)
            else value
        )
    return _same


def _alternative_decoder(kinds: list[Any]) -> Callable[[Any], Any]:
    """What rebuilds a value of one of several types, or none: a table is the one with fields."""
    first = _decoder(kinds[0])
    with_fields: list[Any] = [kind for kind in kinds if is_dataclass(kind)]
    declared = _decoder(with_fields[0]) if with_fields else first

    def decoded(value: Any) -> Any:
        if value is None:
            return None
        return declared(value) if isinstance(value, Mapping) else first(value)

    return decoded


def _same(value: Any) -> Any:
    """A value that JSON holds as it is."""
    return value


def checked(hint: Any, value: Any, place: Place = ()) -> Any:
    """`decode` for what people write: what does not fit its declared type is refused.

    An int becomes a float where one is declared, and numbers of numpy become Python's, so that
    equal values have equal JSON.

    Raises:
        MisfitError: a value has another type, is not finite, or a field is missing or unknown.
    """
    if isinstance(hint, type) and is_dataclass(hint):
        return value if isinstance(value, hint) else _checked_fields(hint, value, place)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in _UNIONS:
        return _checked_alternatives(arguments, value, place)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise misfit(value, "a list", place)
        return tuple(checked(arguments[0], part, (*place, i)) for i, part in enumerate(value))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise misfit(value, "a table", place)
        return {name: checked(arguments[1], part, (*place, name)) for name, part in value.items()}
    if origin is Literal:
        return _checked_choice(arguments, value, place)
    return value if hint is Any else _scalar(hint, value, place)


def misfit(value: object, wanted: str, place: Place = ()) -> MisfitError:
    """A value of the wrong type."""
    kind = "" if value is None else f" is {kind_named(value)}"
    return MisfitError(f"{short(value)}{kind}", fix=f"give {wanted}", place=place)


def _checked_alternatives(kinds: tuple[Any, ...], value: Any, place: Place) -> Any:
    """A value of one of several types; of the first, if no other takes it."""
    others = [kind for kind in kinds if kind is not NoneType]
    if value is None and NoneType in kinds:
        return None
    for other in others[1:]:
        with contextlib.suppress(MisfitError):
            return checked(other, value, place)
    return checked(others[0], value, place)


def _checked_choice(choices: tuple[Any, ...], value: Any, place: Place) -> Any:
    """One of the values that there are."""
    if not isinstance(value, str):
        raise misfit(value, f"one of {', '.join(choices)}", place)
    if value not in choices:
        error = unknown("value", value, choices)
        raise MisfitError(error.what, fix=error.fix, place=place)
    return value


def _checked_fields(kind: Any, value: Any, place: Place) -> Any:
    """A dataclass from a table of its fields."""
    if not isinstance(value, Mapping):
        raise misfit(value, "a table", place)
    declared = {item.name: item for item in fields(kind)}
    for name in value:
        if name not in declared:
            error = unknown("field", str(name), declared)
            raise MisfitError(error.what, fix=error.fix, place=(*place, name))
    for name, item in declared.items():
        if name not in value and item.default is MISSING is item.default_factory:
            raise MisfitError("is missing", place=(*place, name))
    return kind(
        **{name: checked(hints(kind)[name], part, (*place, name)) for name, part in value.items()}
    )


def _scalar(hint: Any, value: Any, place: Place) -> Any:
    """A number, a text, a truth value or a path."""
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        value = value.item()
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if hint is float and is_number:
        return _finite(value, place)
    if hint is int and is_number and isinstance(value, int):
        return int(value)
    if hint is bool and isinstance(value, bool):
        return value
    if hint is str and isinstance(value, str):
        return str.__str__(value)  # of an enumeration's member, too
    if hint is Path and isinstance(value, str | Path):
        return Path(value)
    raise misfit(value, "a path" if hint is Path else hint.__name__, place)


def _finite(value: float, place: Place) -> float:
    """A number as a float that JSON can hold."""
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise MisfitError(f"{short(value)} is not finite", fix="give a number", place=place)
    return number

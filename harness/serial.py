"""Dataclasses as plain JSON and back, led by their declared types."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints


def plain(value: object) -> object:
    """JSON for a nested dataclass."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    message = f"JSON cannot hold {type(value).__name__}"
    raise TypeError(message)


_hints: Callable[[Any], dict[str, Any]] = lru_cache(get_type_hints)
"""Declared types of a class, resolved once: a record has thousands of small parts."""


def decode(hint: Any, value: Any) -> Any:
    """Rebuild dataclasses and tuples from plain JSON, led by the declared types."""
    if is_dataclass(hint):
        hints = _hints(hint)
        return hint(**{name: decode(hints[name], part) for name, part in value.items()})  # type: ignore[operator] # a class
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:
        inner = next(part for part in arguments if part is not NoneType)
        return None if value is None else decode(inner, value)
    if origin is tuple:
        return tuple(decode(arguments[0], part) for part in value)
    mapping = isinstance(origin, type) and issubclass(origin, Mapping)
    if mapping and isinstance(value, dict):
        return {name: decode(arguments[1], part) for name, part in value.items()}
    return value

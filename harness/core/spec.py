"""The base of what users declare: frozen, JSON-able, its values of their declared types.

Whether the values make sense together is `harness.judge.suite.validation`'s business: a declaration
must be constructible to be complained about.
"""

from dataclasses import fields
from typing import Any, Self

from harness.core.digest import canonical
from harness.core.errors import MisfitError, SpecError, unknown
from harness.core.serial import checked, hints


class Table(dict[str, Any]):
    """A table that a declaration holds: nobody changes it, so that declarations can be hashed."""

    def __hash__(self) -> int:  # type: ignore[override] # a dict has none
        """Equal tables hash alike, in whatever order they were written."""
        return hash(canonical(self))


class Spec:
    """Base of the declarations: an unknown field is answered with the nearest valid one.

    Values are brought to their declared types, so that equal declarations have equal JSON.
    """

    __slots__ = ()

    def __new__(cls, *_: object, **values: object) -> Self:
        """Refuse unknown fields before the dataclass would raise a bare TypeError."""
        valid = cls.field_names()
        for name in values:
            if name not in valid:
                raise unknown(f"{cls.__name__} field", name, valid)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        """Make an int a float where one is declared, and refuse values of other types."""
        for name, hint in hints(type(self)).items():
            value = getattr(self, name)
            if type(value) is not hint or hint is float:
                object.__setattr__(self, name, fitting(name, hint, value))

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """The declared fields, in order."""
        return tuple(field.name for field in fields(cls))  # type: ignore[arg-type] # a dataclass


def _table(name: str, values: dict[str, Any]) -> Table:
    """A table whose values are JSON.

    Raises:
        SpecError: one is not.
    """
    try:
        canonical(values)
    except (TypeError, ValueError) as error:
        raise SpecError(
            f"{name}: {error}", fix="give texts, numbers, true or false, lists and tables of them"
        ) from None
    return Table(values)


def fitting(name: str, hint: Any, value: object) -> Any:
    """A field's value, brought to its declared type; a table is one that can be hashed.

    Raises:
        SpecError: it has another one.
    """
    try:
        fitted = checked(hint, value)
    except MisfitError as error:
        raise error.named(name) from None
    return _table(name, fitted) if isinstance(fitted, dict) else fitted

"""Limits: what a value may be beyond its type, declared once and checked wherever it is given."""

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from harness.core.errors import MisfitError, short, unknown
from harness.core.serial import checked

_NUMBERS: dict[type, tuple[Callable[[str], Any], str]] = {
    int: (int, "a whole number"),
    float: (float, "a number"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a value may be; only what is declared is checked.

    Attributes:
        choices: the values there are.
        least: it is this or more.
        above: it is more than this.
        below: it is less than this.
        most: it is this or less.
        is_date: it is an ISO date.
        is_variable: it names an environment variable.
    """

    choices: tuple[str, ...] = ()
    least: float | None = None
    above: float | None = None
    below: float | None = None
    most: float | None = None
    is_date: bool = False
    is_variable: bool = False

    def check(self, value: Any) -> None:
        """Refuse a value of the right type that is out of its limits; None is left out.

        Raises:
            MisfitError: it is one.
        """
        if value is None:
            return
        if self.choices and value not in self.choices:
            error = unknown("value", value, self.choices)
            raise MisfitError(error.what, fix=error.fix)
        if self.least is not None and not value >= self.least:
            raise MisfitError(f"{short(value)} is too small", fix=f"give {self.least:g} or more")
        if self.above is not None and not value > self.above:
            raise MisfitError(f"{short(value)} is not above {self.above:g}", fix="give more")
        if self.below is not None and not value < self.below:
            raise MisfitError(f"{short(value)} is not below {self.below:g}", fix="give less")
        if self.most is not None and not value <= self.most:
            raise MisfitError(f"{short(value)} is too large", fix=f"give {self.most:g} or less")
        if self.is_date and not _is_date(value):
            raise MisfitError(f"{short(value)} is no date", fix="write it as 2026-11-23")
        if self.is_variable and not value.isidentifier():
            raise MisfitError(
                f"{short(value)} is no name of a variable", fix="write it as MY_DATA_DIR"
            )
        if isinstance(value, Path):
            _check_path(value)

    def of(self, kind: Any, value: Any) -> Any:
        """A value of a declared type and within its limits.

        Raises:
            MisfitError: it is none.
        """
        fitting = checked(kind, value)
        for part in fitting if isinstance(fitting, tuple) else (fitting,):
            self.check(part)
        return fitting

    def parse(self, kind: type, text: str) -> Any:
        """The same of the text that a value is written as on a command line.

        Raises:
            MisfitError: it is none.
        """
        convert, wanted = _NUMBERS.get(kind, (str, ""))
        try:
            value = convert(text)
        except ValueError:
            raise MisfitError(f"{short(text)} is not {wanted}", fix=f"give {wanted}") from None
        return self.of(kind, value)


def argument(kind: type, limits: Limits | None = None) -> Callable[[str], Any]:
    """What turns an option's text into its value, for `argparse` to call: it says what is wrong."""

    def convert(text: str) -> Any:
        try:
            return (limits or Limits()).parse(kind, text)
        except MisfitError as error:
            raise argparse.ArgumentTypeError(error.line) from None

    return convert


def _is_date(text: str) -> bool:
    """Whether a text is an ISO date in its long form, which folders are named after."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _check_path(path: Path) -> None:
    """Refuse a path that no file can have."""
    try:
        whole = os.fsencode(path.expanduser())
    except (RuntimeError, ValueError) as error:
        raise MisfitError(f"{short(str(path))} is no path: {error}") from None
    if b"\0" in whole:
        raise MisfitError(f"{short(str(path))} is no path: it has a null character")

"""Documents: TOML and JSON files that users write; an error names the file and the line."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Any, Self

from harness.core.errors import MisfitError, SpecError
from harness.core.serial import Place, checked, misfit

_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)")
_AT_END = " (at end of document)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A file as it was read.

    Attributes:
        path: of the file.
        text: all of it.
        content: what it says.
    """

    path: Path
    text: str = ""
    content: Any = None

    @classmethod
    def read(cls, path: Path, *, optional: bool = True) -> Self:
        """What a file says; an empty table if there is no such file, and there need be none.

        Raises:
            SpecError: it cannot be read, or is not TOML, or JSON where its name ends so.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            if optional and isinstance(error, FileNotFoundError):
                return cls(path=path, content={})
            reason = error.strerror or str(error)
            raise SpecError(f"{_shown(path)} cannot be read: {reason}") from None
        except ValueError:
            raise SpecError(f"{_shown(path)} is not UTF-8 text") from None
        return cls.parse(path, text)

    @classmethod
    def parse(cls, path: Path, text: str) -> Self:
        """What the text of a file says.

        Raises:
            SpecError: it is not TOML, or JSON where the file's name ends so.
        """
        try:
            content = json.loads(text) if _is_json(path) else _dated(tomllib.loads(text))
        except (ValueError, RecursionError) as error:
            raise SpecError(_syntax_error(path, text, error)) from None
        return cls(path=path, text=text, content=content)

    def at(self, place: Place) -> Any:
        """The value at a place; None if there is none.

        Raises:
            SpecError: a value on the way there is no table.
        """
        value = self.content
        for depth, key in enumerate(place):
            if not isinstance(value, Mapping):
                raise self.wrong(misfit(value, "a table", place[:depth]))
            value = value.get(key)
            if value is None:
                return None
        return value

    def decode(self, hint: Any, place: Place = ()) -> Any:
        """What stands at a place, as a declared type.

        Raises:
            SpecError: it does not fit.
        """
        try:
            return checked(hint, self.at(place), place)
        except MisfitError as error:
            raise self.wrong(error) from None

    def wrong(self, error: MisfitError) -> SpecError:
        """What is wrong with a value of the file, in one line."""
        name = ".".join(map(str, error.place))
        return SpecError(
            f"{self.where(error.place)}: " + (f"{name}: " if name else "") + error.line
        )

    def where(self, place: Place) -> str:
        """The file and the line that a place's value begins in, or that of the table around it."""
        for depth in range(len(place), 0, -1):
            line = (_line_of_json if _is_json(self.path) else _line_of_toml)(
                self.text, place[:depth]
            )
            if line:
                return f"{_shown(self.path)}:{line}"
        return _shown(self.path)


def quoted(text: str) -> str:
    """A text as TOML writes it."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _dated(value: Any) -> Any:
    """TOML's values with its dates as text, as JSON has them."""
    if isinstance(value, dict):
        return {name: _dated(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_dated(part) for part in value]
    return value.isoformat() if isinstance(value, date | time) else value


def _is_json(path: Path) -> bool:
    """Which of the two languages a file is in."""
    return path.suffix == ".json"


def _shown(path: Path) -> str:
    """A path as users write it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _syntax_error(path: Path, text: str, error: Exception) -> str:
    """Where a file is not what its name says, and why."""
    reason = str(error).splitlines()[0]
    ended = _AT_END in reason
    match = _AT_LINE.search(reason)
    line = int(match[1]) if match else text.count("\n") + 1 if ended else 0
    if isinstance(error, json.JSONDecodeError):
        reason, line = error.msg, error.lineno
    where = f"{_shown(path)}:{line}" if line else _shown(path)
    reason = _AT_LINE.sub("", reason).replace(_AT_END, "")
    return f"{where}: is not {'JSON' if _is_json(path) else 'TOML'}: {reason}"


def _line_of_toml(text: str, place: Place) -> int:
    """The line that a value of a TOML text begins in; 0 if it is nowhere.

    Neither `tomllib` nor what it gives knows lines, but it tells which beginnings of a text are
    TOML: the value begins where the first of these that has it goes on from the one before.
    """
    lines = text.split("\n")
    begins = 0
    for count in range(len(lines) + 1):
        try:
            value: Any = tomllib.loads("\n".join(lines[:count]))
        except (ValueError, RecursionError):
            continue
        try:
            for key in place:
                value = value[key]
        except (KeyError, IndexError, TypeError):
            begins = count
        else:
            return begins + 1
    return 0


def _line_of_json(text: str, place: Place) -> int:
    """The line that a value of a JSON text stands in; 0 if it is nowhere."""
    at, decoder = _skip(text, 0), json.JSONDecoder()
    for key in place:
        if text[at] not in "{[":
            return 0
        name: Any
        is_object, index, wanted = text[at] == "{", 0, 0
        at = _skip(text, at + 1)
        while text[at] not in "]}":
            name = index
            if is_object:
                name, at = decoder.raw_decode(text, at)
                at = _skip(text, _skip(text, at) + 1)
            if name == key:
                wanted = at  # the last of equal keys counts
            at = _skip(text, decoder.raw_decode(text, at)[1])
            at, index = _skip(text, at + 1) if text[at] == "," else at, index + 1
        if not wanted:
            return 0
        at = wanted
    return text.count("\n", 0, at) + 1


def _skip(text: str, at: int) -> int:
    """The first position from there on that is no white space."""
    while text[at : at + 1].isspace():
        at += 1
    return at

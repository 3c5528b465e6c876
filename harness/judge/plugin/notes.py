"""Notes: what tests say of their cells beside passing or failing.

They travel as JSON in the properties of a test's report, so that they arrive from the processes of
pytest-xdist as well. Each has a name and a type, and is written and read here alone.
"""

import json
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import pytest

from harness.core import serial
from harness.core.errors import CrashError, HarnessError
from harness.judge.session_parts import CellRow
from harness.judge.tonight import Tonight

if TYPE_CHECKING:
    from harness.judge.benchmark.row import Pace

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Note(Generic[Value]):
    """A kind of notes.

    Attributes:
        name: of the property.
        kind: type of the value; as text, if only some sessions need what it takes to import it.
    """

    name: str
    kind: Any

    def add(self, item: pytest.Item, value: Value) -> None:
        """Put a value into the reports of a test."""
        text = value if self.kind is str else json.dumps(value, default=serial.plain)
        item.user_properties.append((self.name, text))

    def read(self, properties: Mapping[str, object]) -> Value | None:
        """The value in the properties of a report, or of a test; None without one."""
        if self.name not in properties:
            return None
        text = str(properties[self.name])
        if self.kind is str:
            return text  # type: ignore[return-value] # the value is of this kind
        kind = pkgutil.resolve_name(self.kind) if isinstance(self.kind, str) else self.kind
        value: Value = serial.decode(kind, json.loads(text))
        return value


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """Why what a test judges could not be had.

    Attributes:
        what: in a line.
        text: the whole error.
        test: id of the test that shows it; every other test with that cause is skipped.
        crashed: whether judged code crashed.
    """

    what: str
    text: str
    test: str
    crashed: bool

    @classmethod
    def of(cls, error: HarnessError, test: str) -> Self:
        """The loss that an error is."""
        crashed = isinstance(error, CrashError)
        return cls(what=error.what, text=error.text, test=test, crashed=crashed)


ROW: Note[CellRow] = Note("harness_cell", CellRow)
"""A cell's row; the first test of a cell has one."""

NOTES: Note[tuple[str, ...]] = Note("harness_notes", tuple[str, ...])
"""What a user should know of how what a test judges came about."""

REASON: Note[str] = Note("harness_not_measured", str)
"""Why a test's cell was not measured."""

LOST: Note[Loss] = Note("harness_lost", Loss)
"""Why what a test judges could not be had."""

SET_ASIDE: Note[tuple[str, ...]] = Note("harness_set_aside", tuple[str, ...])
"""Corrupt records that were made anew."""

SUITE: Note[bool] = Note("harness_suite", bool)
"""That a test is marked as a suite's: its keywords would say so of any in a folder of that name."""

EXPECTED: Note[str] = Note("harness_expected", str)
"""What a failed test holds, in a sentence."""

TRIED: Note[str] = Note("harness_tried", str)
"""Whose trials a test judged."""

NOISE: Note[Mapping[str, float]] = Note("harness_noise", Mapping[str, float])
"""How far apart a test's trials were, by band."""

PACE: Note["Pace"] = Note("harness_pace", "harness.judge.benchmark.row:Pace")
"""How fast a collation is."""

NIGHT: Note[Tonight] = Note("harness_night", Tonight)
"""A cell beside its baseline and its history."""

KNOWN_ISSUE: Note[str] = Note("harness_known_issue", str)
"""The known issue that a test shows."""

DISTANCES: Note[tuple[Mapping[str, Any], ...]] = Note(
    "harness_distances", tuple[Mapping[str, Any], ...]
)
"""The figures that a test finds off; see `Distance.to_json`."""

FIXED: Note[str] = Note("harness_fixed", str)
"""The known issue that a test shows no more."""

"""Annotations: changes that somebody knows of, in a file that is committed beside the suites.

A change ends a regime: what a figure does from that night on is no step.
"""

import tomllib
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

from harness import serial
from harness.errors import SpecError

NAME = "annotations.toml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Annotation:
    """A known change.

    Attributes:
        night: ISO date of the first night that it shows in.
        because: what changed.
        cells: that it concerns, `*` stands for anything.
    """

    night: str
    because: str
    cells: str = "*"

    def concerns(self, cell: str) -> bool:
        """Whether it is about a cell."""
        return fnmatchcase(cell, self.cells)


def load(path: Path) -> tuple[Annotation, ...]:
    """The annotations that a file declares; none if there is no file.

    Raises:
        SpecError: the file makes no sense.
    """
    if not path.is_file():
        return ()
    try:
        declared = tomllib.loads(path.read_text(encoding="utf-8")).get("change", [])
        dated = [values | {"night": str(values.get("night", ""))} for values in declared]
        found = tuple(serial.decode(Annotation, values) for values in dated)
        for annotation in found:
            date.fromisoformat(annotation.night)
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise SpecError(
            f"the annotations {path} cannot be read",
            why=str(error),
            fix="write [[change]] tables, each with night (a date), because, and perhaps cells",
        ) from None
    return found

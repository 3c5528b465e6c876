"""Annotations: changes that somebody knows of, in a file that is committed beside the suites.

A change ends a regime: what a figure does from that night on is no step.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from harness.core.errors import MisfitError
from harness.judge.document import Document
from harness.judge.limits import Limits

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


@dataclass(frozen=True, kw_only=True, slots=True)
class _File:
    """What the file holds."""

    change: tuple[Annotation, ...] = ()


def load(path: Path) -> tuple[Annotation, ...]:
    """The annotations that a file declares; none if there is no file.

    Raises:
        SpecError: the file makes no sense.
    """
    document = Document.read(path)
    annotations: tuple[Annotation, ...] = document.decode(_File).change
    for i, annotation in enumerate(annotations):
        try:
            Limits(is_date=True).check(annotation.night)
        except MisfitError as error:
            raise document.wrong(error.within("change", i, "night")) from None
    return annotations

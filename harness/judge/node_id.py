"""Node ids: how pytest names a test, taken apart in one place.

A test of a cell is `suites/test_mrpc.py::TestMrpc::test_number_of_steps[bert-dynamic-trainer]`.
What stands between the brackets may itself hold colons and brackets.
"""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeId:
    """The parts of a test's id.

    Attributes:
        text: all of it.
        path: of the file.
        classes: around the test, outermost first, as the id joins them; empty if there are none.
        test: name of the function; empty if the id is that of a file.
        cell: between the brackets; empty if there are none.
    """

    text: str
    path: str
    classes: str
    test: str
    cell: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take an id apart."""
        path, _, rest = text.partition("::")
        names, _, cell = rest.partition("[")
        classes, _, test = names.rpartition("::")
        return cls(text=text, path=path, classes=classes, test=test, cell=cell.removesuffix("]"))

    @property
    def name(self) -> str:
        """The id within its file."""
        return self.text.partition("::")[2]

    @property
    def suite(self) -> str:
        """Name of the class that the test is in."""
        return self.classes.rpartition("::")[2]

    @property
    def suite_id(self) -> str:
        """The id of that class; of the file if there is none."""
        return f"{self.path}::{self.classes}" if self.classes else self.path

    @property
    def cell_name(self) -> str:
        """Suite and cell, as baselines and findings name a cell."""
        return f"{self.suite}/{self.cell}"

    @property
    def cell_id(self) -> str:
        """The same with the file, to tell cells of one name apart."""
        return f"{self.suite_id}[{self.cell}]" if self.cell else self.suite_id

    @property
    def subject(self) -> str:
        """What the test is about, for a reader: suite and cell, or the test if it is of none."""
        return self.cell_name if self.cell else self.text

"""A survey of a data set that nobody has declared yet: its columns, and what they seem to be."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from harness.core import serial
from harness.core.dataset import Task


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column of the rows.

    Attributes:
        name: of it.
        kind: of its values, in a word or two.
        distinct: how many differ.
        empty: how many are not there.
        length: characters of its values, on average; words of a list of them.
        spaced: share of its values that have a space between two words.
    """

    name: str
    kind: str
    distinct: int
    empty: int
    length: float
    spaced: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """What the rows of a source look like.

    Attributes:
        builder: of `load_dataset`, where the file's ending does not say it; empty if it does.
        options: that the reader needs.
        splits: rows by split.
        columns: in the order of the file.
        texts: columns that seem to be the texts.
        label: the column that seems to be the label; None where there is only text.
        task: that it poses.
        label_names: of it.
        counts: rows by label name, where each has one.
        incomplete: rows without a text or a label.
        length: words of a row's texts; of twenty rows, nineteen have no more.
        model_types: that the judged transformers knows.
        notes: what loading decides without being told.
    """

    builder: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    splits: Mapping[str, int]
    columns: tuple[Column, ...]
    texts: tuple[str, ...]
    label: str | None
    task: Task
    label_names: tuple[str, ...]
    counts: Mapping[str, int]
    incomplete: int
    length: int
    model_types: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def declares_task(self) -> bool:
        """Whether loading must be told the task: a text that names several labels is one to it."""
        kinds = {column.name: column.kind for column in self.columns}
        lists = self.task == "multi_label_classification"
        return lists and not kinds[self.label or ""].startswith("lists")

    def to_json(self) -> dict[str, Any]:
        """The survey as JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The survey that `to_json` wrote."""
        survey: Self = serial.decode(cls, values)
        return survey

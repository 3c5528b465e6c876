"""Labelling: the values of a label column as ids, numbers or lists of them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.core.dataset import Task
from harness.core.errors import SourceError
from harness.worker.columns import LABEL, Split

SHOWN = 8
"""Label names that a message shows at most."""

Form = Literal["id", "number", "ids", "indicators"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelling:
    """How the values of a label column become what a model learns.

    Attributes:
        task: that the labels pose.
        names: of the labels, in the order of their ids; empty where there are no ids.
        form: of a row's label in the source.
        parse: what makes a value of a label that stands in a file as text.
        parts: what takes a text apart that names several labels; None if none does.
        declared: names that a `ClassLabel` column has for its ids.
        notes: what was decided without being declared.
    """

    task: Task
    names: tuple[str, ...]
    form: Form = "id"
    parse: Callable[[Any], Any] = lambda value: value
    parts: Callable[[str], list[str]] | None = None
    declared: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    _ids: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Know every name's id."""
        ids = {name: index for index, name in enumerate(self.names)}
        object.__setattr__(self, "_ids", ids)

    def value(self, label: Any) -> Any:
        """What a model learns of one row's label: an id, a number, or a list of either.

        Raises:
            ValueError: the label is none; the message says why.
        """
        if self.parts is not None and isinstance(label, str):
            label = self.parts(label)
        several = isinstance(label, list)
        if several != (self.form in {"ids", "indicators"}):
            raise ValueError(f"{label!r} is {'a list' if several else 'no list'}")
        if self.form == "number":
            return _number(self.parse(label))
        if self.form == "id":
            return self._id(label)
        if self.form == "indicators":
            return self._indicators(label)
        ids = [self._id(part) for part in label]
        if self.task == "token_classification":
            return ids
        return [float(index in ids) for index in range(len(self.names))]

    def _id(self, label: Any) -> int:
        """The id of a label."""
        if label is None:
            raise ValueError("a label is empty")
        label = self.parse(label)
        whole = isinstance(label, int) and not isinstance(label, bool)
        if self.declared and whole and 0 <= label < len(self.declared):
            label = self.declared[label]
        name = name_of(label)
        index = self._ids.get(name)
        if index is not None:
            return index
        if isinstance(label, int) and 0 <= label < len(self.names) and not _numeric(self.names):
            return int(label)
        raise ValueError(f"{name!r} is none of the labels {shown(self.names)}")

    def _indicators(self, labels: Any) -> list[float]:
        """One number a label: 1 where it holds, 0 where it does not."""
        if len(labels) != len(self.names):
            raise ValueError(f"{len(labels)} numbers for {len(self.names)} labels")
        return [_number(part) for part in labels]


def name_of(label: Any) -> str:
    """A label as text: a whole number without its point."""
    if isinstance(label, float) and label.is_integer():
        label = int(label)
    return str(label)


def _number(value: Any) -> float:
    """A number that a model can learn.

    Raises:
        ValueError: it is none, or not finite.
    """
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{value!r} is no number") from None
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is not finite")
    return number


def _numeric(names: Sequence[str]) -> bool:
    """Whether names are numbers, which ids must not be taken for."""
    return all(name.lstrip("-").isdecimal() for name in names)


def shown(names: Sequence[str]) -> str:
    """Names, so many that a message can show."""
    more = f", and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(map(repr, names[:SHOWN])) + more


def learnt(labelling: Labelling, split: Split, label: str) -> list[Any]:
    """What a model learns of each row's label.

    Args:
        labelling: of the data set.
        split: whose rows' labels are meant.
        label: the column.

    Raises:
        SourceError: a row has none, or one that is not known.
    """
    values = []
    for row, value in enumerate(split.table.column(LABEL).to_pylist()):
        try:
            values.append(labelling.value(value))
        except ValueError as error:
            raise SourceError(
                f"{split.place(row)}: {label!r}: {error}",
                fix="correct or delete the row, or declare label_names and task",
            ) from None
    return values


def check_varied(values: Sequence[Any], labelling: Labelling, where: str) -> None:
    """Refuse training rows of which all have the same label.

    Raises:
        SourceError: this is so.
    """
    flat = values
    if labelling.task == "token_classification":
        flat = [tag for row in values for tag in row]
    only: Any = flat[0] if flat else None
    if all(value == only for value in flat):
        named = labelling.task in {"single_label_classification", "token_classification"}
        shown = repr(labelling.names[only]) if named else only
        raise SourceError(
            f"{where}: every row to train on is labelled {shown}",
            why="there is nothing to learn",
            fix="train on rows of at least two labels, or name another label column",
        )

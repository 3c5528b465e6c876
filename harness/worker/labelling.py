"""Labelling: which task a label column poses, and its values as ids, numbers or lists of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import datasets

from harness.core.dataset import Dataset, Task
from harness.core.errors import SourceError

SHOWN = 8
"""Label names that a message shows at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelling:
    """How the values of a label column become what a model learns.

    Attributes:
        task: that the labels pose.
        names: of the labels, in the order of their ids; empty where there are no ids.
        note: what was decided without being declared; empty if nothing.
    """

    task: Task
    names: tuple[str, ...]
    note: str = ""

    def value(self, label: Any) -> Any:
        """What a model learns of one row's label: an id, a number, or a list of either.

        Raises:
            ValueError: the label is none; the message says why.
        """
        if self.task == "regression":
            return float(label)
        if self.task == "token_classification":
            return [self._id(tag) for tag in label]
        if self.task == "multi_label_classification":
            return self._indicators(label)
        return self._id(label)

    def _id(self, label: Any) -> int:
        """The id of a label."""
        if label is None or label != label:  # noqa: PLR0124 - NaN is what an empty cell becomes
            raise ValueError("it is empty")
        name = _name(label)
        if name in self.names:
            return self.names.index(name)
        if isinstance(label, int) and 0 <= label < len(self.names) and not _numeric(self.names):
            return int(label)
        raise ValueError(f"{name!r} is none of the labels {_shown(self.names)}")

    def _indicators(self, labels: Any) -> list[float]:
        """One number a label: 1 where it is among some, 0 where it is not."""
        if labels is None:
            raise ValueError("it is empty")
        if len(labels) == len(self.names) and all(isinstance(part, float) for part in labels):
            return [float(part) for part in labels]
        ids = {self._id(label) for label in labels}
        return [float(index in ids) for index in range(len(self.names))]


def of(dataset: Dataset, rows: Mapping[str, Any]) -> Labelling:
    """The labelling of some splits, as declared, or as the training rows' values show.

    Args:
        dataset: as declared.
        rows: `datasets.Dataset` by split, `train` among them.

    Raises:
        SourceError: the labels are of a kind that poses no task.
    """
    if dataset.label is None:
        return Labelling(task=dataset.task or "causal_lm", names=())
    train = rows["train"]
    feature = train.features[dataset.label]
    values = train[dataset.label][:]
    first = dataset.text_columns[0]
    words = isinstance(next(iter(train[first][:1]), None), list)
    task = dataset.task or _inferred(feature, values, words=words)
    note = "" if dataset.task else f"task={task!r}, by what the column {dataset.label!r} holds"
    if task == "regression":
        return Labelling(task=task, names=(dataset.label,), note=note)
    names = dataset.label_names or _class_names(feature)
    if not names:
        lists = task in {"multi_label_classification", "token_classification"}
        single = (label for row in values if row is not None for label in row) if lists else values
        names = _sorted(single)
        note = "; ".join(filter(None, [note, f"label_names={_shown(names)}"]))
    return Labelling(task=task, names=names, note=note)


def _inferred(feature: Any, values: Sequence[Any], *, words: bool) -> Task:
    """The task that a column's values pose."""
    first = next((value for value in values if value is not None), None)
    if isinstance(first, list):
        return "token_classification" if words else "multi_label_classification"
    if isinstance(first, float) and not all(
        value is None or value != value or float(value).is_integer()  # noqa: PLR0124 - NaN
        for value in values
    ):
        return "regression"
    if isinstance(first, float) and not isinstance(feature, datasets.ClassLabel):
        holes = any(value is None or value != value for value in values)  # noqa: PLR0124 - NaN
        return "single_label_classification" if holes else "regression"
    return "single_label_classification"


def _class_names(feature: Any) -> tuple[str, ...]:
    """The names that a column of `ClassLabel`s, or of lists of them, brings; empty if none."""
    inner = getattr(feature, "feature", feature)
    return tuple(getattr(inner, "names", None) or ())


def _sorted(labels: Iterable[Any]) -> tuple[str, ...]:
    """Names of distinct labels: numbers by their size, before texts."""
    present = {label for label in labels if label is not None and label == label}  # noqa: PLR0124 - NaN
    ordered = sorted(present, key=lambda label: (isinstance(label, str), label))
    return tuple(dict.fromkeys(_name(label) for label in ordered))


def _name(label: Any) -> str:
    """A label as text: a whole number without its point."""
    if isinstance(label, float) and label.is_integer():
        label = int(label)
    return str(label)


def _numeric(names: Sequence[str]) -> bool:
    """Whether names are numbers, which ids must not be taken for."""
    return all(name.lstrip("-").isdecimal() for name in names)


def _shown(names: Sequence[str]) -> str:
    """Names, so many that a message can show."""
    more = f", and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(map(repr, names[:SHOWN])) + more


def ids(labelling: Labelling, labels: Sequence[Any], where: str) -> list[Any]:
    """What a model learns of each row's label.

    Args:
        labelling: of the column.
        labels: of every row.
        where: the column, as a message says it.

    Raises:
        SourceError: a row has none, or one that is not known.
    """
    learnt = []
    for row, label in enumerate(labels):
        try:
            learnt.append(labelling.value(label))
        except (TypeError, ValueError) as error:
            raise SourceError(
                f"{where} at row {row}: {error}",
                fix="correct the row, drop it, or declare label_names and task",
            ) from None
    return learnt

"""Label inference: which task a label column poses, and which labels there are.

What a user declares is taken; the rest is decided by the training rows' values, and noted.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from harness.core.dataset import Dataset, Task
from harness.core.errors import SourceError
from harness.worker import literals
from harness.worker.columns import LABEL, Split
from harness.worker.labelling import Form, Labelling, name_of, shown

_MOST_CLASSES = 0.5
"""Distinct labels by rows; more are no classes, unless that is declared."""

_FEW_ROWS = 20
"""So few rows may each be of a class of its own."""

_FORMS: dict[Task, Form] = {
    "single_label_classification": "id",
    "regression": "number",
    "multi_label_classification": "ids",
    "token_classification": "ids",
}


def of(dataset: Dataset, train: Split, *, texts: bool) -> Labelling:
    """The labelling of a data set: as declared, or as the training rows' values show.

    Args:
        dataset: as declared.
        train: the split that is trained on, all its rows.
        texts: whether labels stand in a file as text.

    Raises:
        SourceError: the labels are of a kind that poses no task, or not the declared one.
    """
    file = train.places.of_split(train.name)
    of_words = any(isinstance(train.table.column(n)[0].as_py(), list) for n in dataset.text_columns)
    if dataset.label_column is None:
        _check_texts("causal_lm", dataset, file, of_words=of_words)
        return Labelling(task="causal_lm", names=())
    where = f"{file}: {dataset.label!r}"
    values = train.table.column(LABEL).to_pylist()
    parse: Callable[[Any], Any] = lambda value: value  # noqa: E731 - the same type as the other
    parts = None
    if texts and isinstance(values[0], str) and dataset.task == "multi_label_classification":
        parts = literals.joined(values)
        values = [parts(value) for value in values]
        parse = literals.kind_of(part for row in values for part in row)
        values = [[parse(part) for part in row] for row in values]
    elif texts and isinstance(values[0], str):
        parse = literals.kind_of(values)
        values = [parse(value) for value in values]
    lists = isinstance(values[0], list)
    task = dataset.task or _inferred(values, of_words=of_words)
    _check_lists(task, where, lists=lists)
    _check_texts(task, dataset, file, of_words=of_words)
    notes = () if dataset.task else (f"task={task!r}, by what the column {dataset.label!r} holds",)
    if task == "regression":
        return Labelling(
            task=task, names=(str(dataset.label),), form="number", parse=parse, notes=notes
        )
    declared = _class_names(train.feature)
    flat = [part for row in values for part in row] if lists else values
    form = _FORMS[task]
    if task == "multi_label_classification" and _are_indicators(values):
        form = "indicators"
        names = dataset.label_names or tuple(map(str, range(len(values[0]))))
    else:
        names = dataset.label_names or declared or _sorted(flat, where)
    if not (dataset.label_names or declared):
        notes = (*notes, f"label_names={shown(names)}")
        if not dataset.task:
            _check_classes(names, len(values), where)
    renamed = dataset.label_names and set(declared) != set(names)
    return Labelling(
        task=task,
        names=names,
        form=form,
        parse=parse,
        parts=parts,
        declared=() if renamed else declared,
        notes=notes,
    )


def _inferred(values: Sequence[Any], *, of_words: bool) -> Task:
    """The task that a column's values pose."""
    if isinstance(values[0], list):
        return "token_classification" if of_words else "multi_label_classification"
    fractions = isinstance(values[0], float) and not all(value.is_integer() for value in values)
    return "regression" if fractions else "single_label_classification"


def _check_lists(task: Task, where: str, *, lists: bool) -> None:
    """Refuse labels that are lists where the task learns none, and the other way round.

    Raises:
        SourceError: the message says what the column holds, and what the task learns.
    """
    wanted = task in {"multi_label_classification", "token_classification"}
    if lists != wanted:
        raise SourceError(
            f"{where} holds {'lists' if lists else 'one value a row'}",
            why=f"{task} learns {'lists' if wanted else 'one value a row'}",
            fix="correct task=, name another label column, or make the values with a "
            "module:function",
        )


def _check_texts(task: Task, dataset: Dataset, file: str, *, of_words: bool) -> None:
    """Refuse lists of words where the task reads texts, and the other way round.

    Raises:
        SourceError: the message says what the columns hold, and what the task reads.
    """
    wanted = task == "token_classification"
    if of_words != wanted:
        names = " and ".join(map(repr, dataset.text_columns))
        raise SourceError(
            f"{file}: {names} holds {'lists of words' if of_words else 'texts'}",
            why=f"{task} reads {'lists of words' if wanted else 'texts'}",
            fix="correct task=, name other columns in texts=, or make the values with a "
            "module:function",
        )
    if len(dataset.text_columns) > 1 and task in {"token_classification", "causal_lm"}:
        raise SourceError(
            f"{file}: {task} reads one column, not {len(dataset.text_columns)}",
            fix="name one column in texts=",
        )


def _check_classes(names: Sequence[str], rows: int, where: str) -> None:
    """Refuse a column of which nearly every row says something else, if that is not declared.

    Raises:
        SourceError: this is so.
    """
    if rows >= _FEW_ROWS and len(names) > _MOST_CLASSES * rows:
        raise SourceError(
            f"{where} has {len(names):,} different values in {rows:,} rows",
            why=f"such as {shown(names[:2])}: so many are no classes",
            fix="name the column of the labels; or declare the task: task='regression', or "
            "task='single_label_classification' if it is so",
        )


def _class_names(feature: Any) -> tuple[str, ...]:
    """The names that a column of `ClassLabel`s, or of lists of them, brings; empty if none."""
    inner = getattr(feature, "feature", feature)
    return tuple(getattr(inner, "names", None) or ())


def _are_indicators(rows: Sequence[Any]) -> bool:
    """Whether lists say of every label whether it holds, rather than which do.

    Numbers with a point and truth values do; of whole numbers, lists of one length that hold 0 and
    1 alone, and one of them twice.
    """
    flat = [part for row in rows for part in row]
    if flat and all(isinstance(part, float | bool) for part in flat):
        return True
    binary = len({len(row) for row in rows}) == 1 and set(map(str, flat)) == {"0", "1"}
    return binary and any(len(set(row)) < len(row) for row in rows)


def _sorted(labels: Iterable[Any], where: str) -> tuple[str, ...]:
    """Names of distinct labels: numbers by their size, before texts.

    Raises:
        SourceError: there is none.
    """
    present = {label for label in labels if label is not None}
    ordered = sorted(present, key=lambda label: (isinstance(label, str), label))
    if not ordered:
        raise SourceError(f"{where} has no labels", fix="name the column that has them")
    return tuple(dict.fromkeys(name_of(label) for label in ordered))

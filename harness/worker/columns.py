"""Columns: the texts and labels of a split's rows, every one of which is there.

What a row lacks is said with its place; or the row is left out, where that is declared.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from harness.core import tables
from harness.core.dataset import Dataset
from harness.core.errors import SourceError, nearest
from harness.worker.places import Places

LABEL = ""
"""Column of a table of ours that holds the labels as the source has them; no user's is so named."""

ROW = " "
"""Column that holds a row's number in its split, from 0."""

_SHOWN = 3
"""Further rows that a message names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """The rows of one of a source's splits.

    Attributes:
        name: in the source.
        rows: that it has there.
        table: its texts by their names, `LABEL`, and `ROW`; without incomplete rows.
        feature: that `datasets` has of the label column.
        places: of the source.
        dropped: rows that were left out.
    """

    name: str
    rows: int
    table: pa.Table
    feature: Any
    places: Places
    dropped: int = 0

    def of(self, table: pa.Table) -> "Split":
        """The same with other rows of the source's split."""
        return replace(self, table=table)

    def place(self, index: int) -> str:
        """Where a row of the table lies."""
        row = self.table.column(ROW)[index].as_py()
        return self.places.of_row(self.name, row, self.rows)


def split_of(dataset: Dataset, name: str, rows: Any, places: Places) -> Split:
    """The texts and labels of a split.

    Args:
        dataset: as declared.
        name: of the split.
        rows: a `datasets.Dataset`.
        places: of its rows.

    Raises:
        SourceError: a column is missing, or its values are none that a text can have; or a row is
            incomplete, and none may be.
    """
    _check_names(dataset, rows.column_names, places.of_split(name))
    whole = rows.select_columns(list(dict.fromkeys(dataset.columns))).with_format("arrow")[:]
    read: dict[str, Any] = {
        column: _texts(whole.column(column), f"{places.of_split(name)}: {column!r}")
        for column in dataset.text_columns
    }
    label = dataset.label_column
    feature = None if label is None else rows.features[label]
    if label is not None:
        read[LABEL] = _labels(whole.column(label), f"{places.of_split(name)}: {label!r}")
    read[ROW] = pa.array(range(len(whole)), pa.int64())
    split = Split(name=name, rows=len(whole), table=pa.table(read), feature=feature, places=places)
    for column in dataset.text_columns:
        _check_values(split, column, column, whole_words=True)
    unlabelled = pa.array([False] * len(whole))
    if label is not None:
        _check_values(split, LABEL, label, whole_words=False)
        unlabelled = _empty(read[LABEL], feature)
    silent = tables.silent([read[column] for column in dataset.text_columns])
    incomplete = pc.or_(silent, unlabelled)
    count = pc.sum(incomplete).as_py() or 0
    if count and dataset.incomplete == "refuse" and label is not None:
        raise _incomplete(split, dataset, silent, unlabelled)
    kept = split.table.filter(pc.invert(incomplete))
    columns = {
        column: _filled(kept.column(column).combine_chunks()) for column in dataset.text_columns
    }
    for column, texts in columns.items():
        kept = kept.set_column(kept.column_names.index(column), column, texts)
    return replace(split, table=kept, dropped=count)


def _texts(column: pa.ChunkedArray, where: str) -> pa.Array:
    """A column of texts, or of lists of words, as Arrow's plain strings.

    Raises:
        SourceError: it holds something else.
    """
    kind = column.type
    texts = column.combine_chunks()
    if pa.types.is_null(kind):
        raise SourceError(f"{where} is empty in every row", fix="name a column with texts")
    if pa.types.is_dictionary(kind):
        texts = texts.dictionary_decode()
        kind = texts.type
    inner = kind.value_type if _is_list(kind) else kind
    if not _is_string(inner):
        holds = f"lists of {inner}" if _is_list(kind) else str(kind)
        raise SourceError(
            f"{where} holds {holds}, not text", fix="name a column of texts, or write strings"
        )
    return texts.cast(pa.list_(pa.large_string()) if _is_list(kind) else pa.large_string())


def _labels(column: pa.ChunkedArray, where: str) -> pa.Array:
    """A column of labels as texts, numbers, truth values or lists of them.

    Raises:
        SourceError: it holds something else.
    """
    labels = column.combine_chunks()
    if pa.types.is_dictionary(labels.type):
        labels = labels.dictionary_decode()
    kind = labels.type
    inner = kind.value_type if _is_list(kind) else kind
    if pa.types.is_decimal(inner):
        return labels.cast(pa.list_(pa.float64()) if _is_list(kind) else pa.float64())
    known = pa.types.is_integer(inner) or pa.types.is_floating(inner) or pa.types.is_boolean(inner)
    if not (known or _is_string(inner) or pa.types.is_null(inner)):
        raise SourceError(
            f"{where} holds values of type {kind}",
            fix="name a column of texts, numbers, truth values, or lists of them",
        )
    return labels


def _is_string(kind: pa.DataType) -> bool:
    """Whether a type is one of strings."""
    view = getattr(pa.types, "is_string_view", None)
    known = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return bool(known or (view is not None and view(kind)))


def _is_list(kind: pa.DataType) -> bool:
    """Whether a type is one of lists."""
    fixed = pa.types.is_fixed_size_list(kind)
    return bool(fixed or pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _empty(labels: pa.Array, feature: Any) -> pa.Array:
    """Which labels are none: null, NaN, an empty text, and -1 among the ids of a `ClassLabel`."""
    kind = labels.type
    if pa.types.is_floating(kind):
        return pc.is_null(labels, nan_is_null=True)
    if pa.types.is_null(kind):
        return pa.array([True] * len(labels))
    mask = pc.is_null(labels)
    if _is_string(kind):
        blank = pc.equal(pc.utf8_trim_whitespace(labels.cast(pa.large_string())), "")
    elif pa.types.is_integer(kind) and getattr(feature, "names", None):
        blank = pc.equal(labels, -1)
    else:
        return mask
    return pc.or_(mask, pc.fill_null(blank, fill_value=False))


def _filled(texts: pa.Array) -> pa.Array:
    """Texts of which none is null: one of two may be empty."""
    return texts if _is_list(texts.type) else pc.fill_null(texts, "")


def _check_names(dataset: Dataset, present: Sequence[str], where: str) -> None:
    """Refuse rows without the columns that are declared.

    A single column whose name holds a delimiter is of a file that was read with another one.

    Raises:
        SourceError: one is missing.
    """
    missing = [name for name in dataset.columns if name not in present]
    if not missing:
        return
    fix = "correct texts= and label=, or the file's header"
    close = nearest(missing[0], present)
    if close is not None:
        fix = f"did you mean {close!r}? Else {fix}"
    elif missing == ["label"]:
        fix = "say label=COLUMN, or label=None if there is only text to learn"
    if len(present) == 1:
        marks = [mark for mark in (";", "\t", "|", ",") if mark in present[0]]
        if marks:
            fix = f"say what stands between columns: options={{'delimiter': {marks[0]!r}}}"
    raise SourceError(
        f"{where} has no column {', '.join(map(repr, missing))}",
        why=f"its columns: {', '.join(map(repr, present)) or 'none'}",
        fix=fix,
    )


def _check_values(split: Split, column: str, name: str, *, whole_words: bool) -> None:
    """Refuse bytes that are no text, and words that are none.

    Args:
        split: whose table is looked at.
        column: of the table.
        name: of the column in the source.
        whole_words: whether no item of a list may be missing.

    Raises:
        SourceError: the message names the row.
    """
    values, row_of = split.table.column(column).combine_chunks(), None
    if _is_list(values.type):
        values, row_of = values.flatten(), pc.list_parent_indices(values)
    wrong = tables.undecodable(values) if _is_string(values.type) else None
    what = "is not UTF-8"
    if wrong is None and row_of is not None and whole_words:
        at = pc.index(pc.is_null(values), pa.scalar(value=True)).as_py()
        wrong, what = (at, "has an empty word") if at >= 0 else (None, "")
    if wrong is not None:
        row = wrong if row_of is None else row_of[wrong].as_py()
        raise SourceError(
            f"{split.place(row)}: {name!r} {what}", fix="write a text there, or drop the row"
        )


def _incomplete(
    split: Split, dataset: Dataset, silent: pa.Array, unlabelled: pa.Array
) -> SourceError:
    """The error for rows that lack something."""
    lacking, names = silent, " and ".join(map(repr, dataset.text_columns))
    verb = "are" if len(dataset.text_columns) > 1 else "is"
    if not pc.any(silent).as_py():
        lacking, names, verb = unlabelled, repr(dataset.label_column), "is"
    (first, *others) = [row for row, mask in enumerate(lacking.to_pylist()) if mask]
    why = ""
    if others:
        places = "; ".join(split.place(row) for row in others[:_SHOWN])
        more = "; …" if len(others) > _SHOWN else ""
        why = f"{len(others):,} more: {places}{more}"
    return SourceError(
        f"{split.place(first)}: {names} {verb} empty",
        why=why,
        fix="fill in or delete the row, or leave all such rows out with incomplete='drop'",
    )

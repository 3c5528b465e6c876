"""Tables: parquet files that a model can be trained on; any other is refused by what it has.

Both towers look: the judging one at the files' footers, before anything is started, and a worker
at every row, before its libraries see one.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.core.errors import SourceError
from harness.core.schema import LABEL, LABEL_COLUMNS, Schema

_OF_IDS = ("single_label_classification", "token_classification")
"""Tasks whose labels are ids."""

_ANEW = "write it anew, or name another folder with --harness-sources"


def check_footers(files: Sequence[Path], schema: Schema) -> None:
    """Refuse a split by its files' footers: none of its rows is read.

    Raises:
        SourceError: a file is no parquet, lacks a column or has one of another type, or the
            split has no rows.
    """
    rows, columns = 0, {}
    for path in files:
        with _opened(path) as file:
            rows += file.metadata.num_rows
            columns[path] = file.schema_arrow
    if not rows:
        raise SourceError(f"{files[0]} has no rows", fix="write the split anew")
    for path in files:
        check_columns(columns[path], schema, path)


def check_rows(files: Sequence[Path], schema: Schema) -> None:
    """Refuse a split by what stands in its rows, which are counted from 0 in each file.

    Raises:
        SourceError: a text is null or not UTF-8, all of a row's are empty, or a label is null or
            out of range.
    """
    for path in files:
        with _opened(path) as file:
            label = label_column(file.schema_arrow.names, path, schema)
            first = 0
            for rows in _batches(file, [*schema.texts, *filter(None, [label])], path):
                for name in schema.texts:
                    _check_texts(rows.column(name), f"{path}: {name!r}", first)
                _check_said(rows, schema, path, first)
                if label:
                    _check_labels(rows.column(label), f"{path}: {label!r}", first, schema)
                if schema.task == "token_classification":
                    _check_words(rows, schema, path, first)
                first += len(rows)


def check_columns(columns: pa.Schema, schema: Schema, where: object) -> None:
    """Refuse columns that are missing, there twice, or of the wrong type.

    Raises:
        SourceError: the message names the column, its type and the one to write instead.
    """
    label = label_column(columns.names, where, schema)
    missing = [name for name in schema.texts if name not in columns.names]
    if missing:
        raise SourceError(
            f"{where} has no column {', '.join(missing)}",
            why=f"its columns: {', '.join(columns.names)}",
            fix=f"name the columns of texts {', '.join(schema.texts)}",
        )
    for name in (*schema.texts, *filter(None, [label])):
        if columns.names.count(name) > 1:
            raise SourceError(
                f"{where} has {columns.names.count(name)} columns {name!r}", fix="keep one of them"
            )
    of_words = schema.task == "token_classification"
    for name in schema.texts:
        kind = columns.field(name).type
        if not (_is_list(kind) and _is_text(kind.value_type) if of_words else _is_text(kind)):
            raise SourceError(
                f"{where}: {name!r} is {kind}, not {'a list of words' if of_words else 'text'}",
                fix="write its values as strings, or name the column of texts so",
            )
    if label:
        _check_label_type(columns.field(label).type, schema, where, label)


def _check_label_type(kind: pa.DataType, schema: Schema, where: object, label: str) -> None:
    """Refuse a label column whose values no task of its kind has."""
    wanted, fits = {
        "single_label_classification": ("whole numbers", pa.types.is_integer(kind)),
        "regression": ("numbers", pa.types.is_floating(kind)),
        "multi_label_classification": (
            "lists of numbers",
            _is_list(kind) and pa.types.is_floating(kind.value_type),
        ),
        "token_classification": (
            "lists of whole numbers",
            _is_list(kind) and pa.types.is_integer(kind.value_type),
        ),
    }[schema.task]
    if not fits:
        raise SourceError(
            f"{where}: labels are {kind}, not {wanted}",
            why=f"column {label!r}",
            fix=f"write ids {schema.ids}" if schema.task in _OF_IDS else f"write {wanted}",
        )


def label_column(columns: Sequence[str], where: object, schema: Schema | None = None) -> str:
    """The column that holds the labels; empty where a schema's task has none.

    Raises:
        SourceError: none of the known names is there, or several are.
    """
    task = "single_label_classification" if schema is None else schema.task
    if task == "causal_lm":
        return ""
    known = LABEL_COLUMNS if task == "single_label_classification" else (LABEL[task],)
    present = [name for name in known if name in columns]
    if len(present) == 1:
        return present[0]
    if present:
        raise SourceError(
            f"{where} has several label columns: {', '.join(present)}", fix="keep one of them"
        )
    raise SourceError(
        f"{where} has no label column",
        why=f"its columns: {', '.join(columns)}",
        fix=f"name the column of label ids one of {', '.join(known)}",
    )


def _is_text(kind: pa.DataType) -> bool:
    """Whether a type is one of strings."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_list(kind: pa.DataType) -> bool:
    """Whether a type is one of lists."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _opened(path: Path) -> Any:
    """A parquet file, its footer read."""
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> SourceError:
    """The error for bytes that are no parquet."""
    reason = (str(error) or type(error).__name__).splitlines()[0]
    return SourceError(f"{path} cannot be read as parquet", why=reason, fix=_ANEW)


def _batches(file: Any, columns: list[str], path: Path) -> Iterator[pa.RecordBatch]:
    """A file's rows, so many at a time that a large one does not fill the memory."""
    try:
        yield from file.iter_batches(columns=columns)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _check_texts(texts: pa.Array, where: str, first: int) -> None:
    """Refuse a text, or a list of words, that is none; rows are counted from `first`."""
    row = _row(pc.is_null(texts))
    if row is not None:
        raise SourceError(
            f"{where} is null at row {first + row}", fix="drop the row, or write its text"
        )
    if _is_list(texts.type):
        strings, row_of = texts.flatten(), pc.list_parent_indices(texts)
        row = _row(pc.is_null(strings))
        if row is not None:
            raise SourceError(
                f"{where} has a word that is null at row {first + row_of[row].as_py()}",
                fix="drop the row, or write the word",
            )
    else:
        strings, row_of = texts, pa.array(range(len(texts)))
    row = undecodable(strings)
    if row is not None:
        raise SourceError(
            f"{where} is not UTF-8 at row {first + row_of[row].as_py()}",
            fix="decode its bytes, and write it as a string",
        )


def undecodable(texts: pa.Array) -> int | None:
    """The first of some strings whose bytes are not UTF-8, as whoever wrote them may have let be.

    Returns:
        Its index; None if all decode.
    """
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        kind = pa.large_binary() if pa.types.is_large_string(texts.type) else pa.binary()
        stored = enumerate(texts.view(kind).to_pylist())
        return next(row for row, text in stored if text is not None and not _is_utf8(text))
    return None


def silent(texts: Sequence[pa.Array]) -> pa.Array:
    """Which rows have nothing but space, or no word, in any of their texts; null says nothing."""
    masks = [
        pc.equal(pc.list_value_length(column), 0)
        if _is_list(column.type)
        else pc.equal(pc.utf8_trim_whitespace(column), "")
        for column in texts
    ]
    mask = pc.fill_null(masks[0], fill_value=True)
    for other in masks[1:]:
        mask = pc.and_(mask, pc.fill_null(other, fill_value=True))
    return mask


def _check_said(rows: pa.RecordBatch, schema: Schema, path: Path, first: int) -> None:
    """Refuse a row that says nothing."""
    row = _row(silent([rows.column(name) for name in schema.texts]))
    if row is not None:
        names = " and ".join(map(repr, schema.texts))
        raise SourceError(
            f"{path}: {names} is empty at row {first + row}",
            fix="drop the row: an empty text trains on padding",
        )


def _check_words(rows: pa.RecordBatch, schema: Schema, path: Path, first: int) -> None:
    """Refuse a row that has not one tag a word."""
    lengths, tags = (
        pc.list_value_length(rows.column(name)) for name in (schema.texts[0], LABEL[schema.task])
    )
    row = _row(pc.not_equal(lengths, tags))
    if row is not None:
        raise SourceError(
            f"{path} has {lengths[row].as_py()} words and {tags[row].as_py()} tags at row "
            f"{first + row}",
            fix="write one tag a word",
        )


def _check_labels(labels: pa.Array, where: str, first: int, schema: Schema) -> None:
    """Refuse a label that is none of the data set's; rows are counted from `first`."""
    write = f"write ids {schema.ids}" if schema.task in _OF_IDS else "write a number"
    row = _row(pc.is_null(labels))
    if row is not None:
        raise SourceError(f"{where} is null at row {first + row}", fix=write)
    row_of = None
    if _is_list(labels.type):
        labels, row_of = labels.flatten(), pc.list_parent_indices(labels)
    count = len(schema.label_names)
    wide = labels.cast(pa.float64(), safe=False)  # unsigned ones would not compare
    if schema.task in _OF_IDS:
        outside = pc.or_(pc.less(wide, 0), pc.greater_equal(wide, count))
    else:
        outside = pc.invert(pc.is_finite(wide))
    row = _row(pc.fill_null(outside, fill_value=True))
    if row is not None:
        place = row if row_of is None else row_of[row].as_py()
        raise SourceError(
            f"{where} is {labels[row].as_py()} at row {first + place}, which is out of range",
            why=f"there are {count} labels" if schema.task in _OF_IDS else "",
            fix=write,
        )


def _row(mask: pa.Array) -> int | None:
    """The first row where a mask is true."""
    row = int(pc.index(mask, pa.scalar(value=True)).as_py())
    return None if row < 0 else row


def _is_utf8(text: bytes) -> bool:
    """Whether bytes decode."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True

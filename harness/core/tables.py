"""Tables: parquet files that a classifier can be trained on; any other is refused by what it has.

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
from harness.core.schema import Schema

LABEL_COLUMNS = ("label", "labels", "label_ids")

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
        SourceError: a text is null, empty or not UTF-8, or a label null or out of range.
    """
    for path in files:
        with _opened(path) as file:
            label = label_column(file.schema_arrow.names, path)
            first = 0
            for rows in _batches(file, [*schema.texts, label], path):
                for name in schema.texts:
                    _check_texts(rows.column(name), f"{path}: {name!r}", first)
                _check_labels(rows.column(label), f"{path}: {label!r}", first, schema)
                first += len(rows)


def check_columns(columns: pa.Schema, schema: Schema, where: object) -> None:
    """Refuse columns that are missing, there twice, or of the wrong type.

    Raises:
        SourceError: the message names the column, its type and the one to write instead.
    """
    label = label_column(columns.names, where)
    missing = [name for name in schema.texts if name not in columns.names]
    if missing:
        raise SourceError(
            f"{where} has no column {', '.join(missing)}",
            why=f"its columns: {', '.join(columns.names)}",
            fix=f"name the columns of texts {', '.join(schema.texts)}",
        )
    for name in (*schema.texts, label):
        if columns.names.count(name) > 1:
            raise SourceError(
                f"{where} has {columns.names.count(name)} columns {name!r}", fix="keep one of them"
            )
    for name in schema.texts:
        kind = columns.field(name).type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise SourceError(
                f"{where}: {name!r} is {kind}, not text",
                fix="write its values as strings, or name the column of texts so",
            )
    kind = columns.field(label).type
    if not pa.types.is_integer(kind):
        raise SourceError(
            f"{where}: labels are {kind}, not whole numbers",
            why=f"column {label!r}",
            fix=f"write ids {schema.ids}",
        )


def label_column(columns: Sequence[str], where: object) -> str:
    """The column that holds the labels.

    Raises:
        SourceError: none of the known names is there, or several are.
    """
    present = [name for name in LABEL_COLUMNS if name in columns]
    if len(present) == 1:
        return present[0]
    if present:
        raise SourceError(
            f"{where} has several label columns: {', '.join(present)}", fix="keep one of them"
        )
    raise SourceError(
        f"{where} has no label column",
        why=f"its columns: {', '.join(columns)}",
        fix=f"name the column of label ids one of {', '.join(LABEL_COLUMNS)}",
    )


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
    """Refuse a text that says nothing, or that is none; rows are counted from `first`."""
    row = _row(pc.is_null(texts))
    if row is not None:
        raise SourceError(
            f"{where} is null at row {first + row}", fix="drop the row, or write its text"
        )
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        kind = pa.large_binary() if pa.types.is_large_string(texts.type) else pa.binary()
        stored = enumerate(texts.view(kind).to_pylist())
        row = next(row for row, text in stored if not _is_utf8(text))
        raise SourceError(
            f"{where} is not UTF-8 at row {first + row}",
            fix="decode its bytes, and write it as a string",
        ) from None
    row = _row(pc.equal(pc.utf8_trim_whitespace(texts), ""))
    if row is not None:
        raise SourceError(
            f"{where} is empty at row {first + row}",
            fix="drop the row: an empty text trains on padding",
        )


def _check_labels(labels: pa.Array, where: str, first: int, schema: Schema) -> None:
    """Refuse a label that is none of the data set's; rows are counted from `first`."""
    row = _row(pc.is_null(labels))
    if row is not None:
        raise SourceError(f"{where} is null at row {first + row}", fix=f"write ids {schema.ids}")
    count = len(schema.label_names)
    wide = labels.cast(pa.float64(), safe=False)  # unsigned ones would not compare
    row = _row(pc.or_(pc.less(wide, 0), pc.greater_equal(wide, count)))
    if row is not None:
        raise SourceError(
            f"{where} is {labels[row].as_py()} at row {first + row}, which is out of range",
            why=f"there are {count} labels",
            fix=f"write ids {schema.ids}",
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

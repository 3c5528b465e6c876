"""Data in the judged environment: load a split, check it, draw a sample, tokenize it."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.errors import SourceError

LABEL_COLUMNS = ("label", "labels", "label_ids")

SIGNATURE = "process"
"""Column that says which process made a row."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Schema:
    """What a data set must look like: text columns, and label names in the order of their ids."""

    texts: tuple[str, ...]
    label_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tokenize:
    """The function that `Dataset.map` applies; a class, so that `spawn` can pickle it.

    Attributes:
        tokenizer: of the model.
        texts: columns of the one sentence, or of the two.
        max_length: truncation length in tokens.
    """

    tokenizer: Any
    texts: tuple[str, ...]
    max_length: int

    def __call__(self, rows: Mapping[str, Sequence[Any]]) -> Any:
        """Tokenize a batch of rows."""
        sentences = [list(rows[column]) for column in self.texts]
        return self.tokenizer(*sentences, truncation=True, max_length=self.max_length)


@dataclass(frozen=True, slots=True)
class Signed:
    """A tokenizing function whose rows say which process made them."""

    function: Tokenize

    def __call__(self, rows: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Tokenize a batch of rows and sign it."""
        columns = dict(self.function(rows))
        return columns | {SIGNATURE: [os.getpid()] * len(columns["input_ids"])}


def load(files: Sequence[str], schema: Schema, cache_dir: Path) -> Any:
    """Load one split from its parquet files, in their order.

    Raises:
        SourceError: the split cannot train a classifier; the message says which row or column.
    """
    paths = [str(path) for path in files]
    try:
        if not sum(pq.read_metadata(path).num_rows for path in paths):
            raise SourceError(f"{paths[0]} has no rows", fix="write the split anew")
        split = datasets.load_dataset(
            "parquet", data_files={"split": paths}, split="split", cache_dir=str(cache_dir)
        )
    except (datasets.exceptions.DatasetGenerationError, pa.ArrowInvalid, ValueError) as error:
        raise SourceError(
            f"{paths[0]} cannot be read as parquet",
            why=str(error.__cause__ or error),
            fix="write it anew, or name another folder with --harness-sources",
        ) from error
    check(split, schema, paths[0])
    return split


def label_column(columns: Sequence[str], where: str) -> str:
    """The column that holds the labels.

    Raises:
        SourceError: none of the known names is there.
    """
    for name in LABEL_COLUMNS:
        if name in columns:
            return name
    raise SourceError(
        f"{where} has no label column",
        why=f"its columns: {', '.join(columns)}",
        fix=f"name the column of label ids one of {', '.join(LABEL_COLUMNS)}",
    )


def check(split: Any, schema: Schema, where: str) -> None:
    """Refuse a split that cannot train a classifier.

    Raises:
        SourceError: missing columns, null or out-of-range labels, empty texts, or
            other label names than the catalog's.
    """
    label = label_column(split.column_names, where)
    missing = [name for name in schema.texts if name not in split.column_names]
    if missing:
        raise SourceError(
            f"{where} has no column {', '.join(missing)}",
            why=f"its columns: {', '.join(split.column_names)}",
        )
    table = split.data.table
    labels = table.column(label)
    if not pa.types.is_integer(labels.type):
        raise SourceError(
            f"{where}: labels are {labels.type}, not whole numbers",
            fix=f"write ids 0 to {len(schema.label_names) - 1}: {', '.join(schema.label_names)}",
        )
    if labels.null_count:
        raise SourceError(
            f"{where}: {labels.null_count} of {len(split)} labels are null",
            why=f"first at row {pc.index(pc.is_null(labels), pa.scalar(value=True)).as_py()}",
            fix="drop those rows or label them",
        )
    count = len(schema.label_names)
    wrong = pc.or_(pc.less(labels, 0), pc.greater_equal(labels, count))
    if pc.any(wrong).as_py():
        row = pc.index(wrong, pa.scalar(value=True)).as_py()
        raise SourceError(
            f"{where}: label {labels[row].as_py()} at row {row} is out of range",
            why=f"{count} labels, 0 to {count - 1}: {', '.join(schema.label_names)}",
        )
    for name in schema.texts:
        empty = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(table.column(name)), ""), True)  # noqa: FBT003 - pyarrow's positional
        if pc.any(empty).as_py():
            row = pc.index(empty, pa.scalar(value=True)).as_py()
            raise SourceError(
                f"{where}: {name!r} is empty at row {row}",
                fix="drop the row: an empty text trains on padding",
            )
    names = getattr(split.features[label], "names", None)
    if names is not None and tuple(names) != schema.label_names:
        raise SourceError(
            f"{where}: labels are named {', '.join(names)}",
            why=f"the catalog names them {', '.join(schema.label_names)}",
        )


def sample(split: Any, size: int | None, seed: int) -> Any:
    """`shuffle(seed).select(range(size))`; the split itself, unshuffled, if size is None."""
    if size is None:
        return split
    return split.shuffle(seed=seed).select(range(min(size, len(split))))


def tokenize(split: Any, function: Callable[..., Any], num_proc: int | None = None) -> Any:
    """Apply the tokenizer to every row, in `num_proc` processes if given.

    The cache is off: a changed tokenizer must never be answered from an older map.
    """
    datasets.disable_caching()
    return split.map(function, batched=True, num_proc=num_proc)

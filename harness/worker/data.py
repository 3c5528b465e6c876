"""Data in the judged environment: load a split, draw a sample, tokenize it."""

import glob
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets

from harness.core import tables
from harness.core.errors import SourceError, reason
from harness.core.schema import Schema
from harness.worker.features import Tokenize, TokenizeBlocks

SIGNATURE = "process"
"""Column that says which process made a row."""


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
        SourceError: the split cannot train a model; the message says which row or column.
    """
    paths = [Path(file) for file in files]
    tables.check_footers(paths, schema)
    tables.check_rows(paths, schema)
    literal = [glob.escape(file) for file in files]  # `datasets` takes paths for patterns
    try:
        split = datasets.load_dataset(
            "parquet", data_files={"split": literal}, split="split", cache_dir=str(cache_dir)
        )
    except Exception as error:
        cause = error.__cause__ or error
        if isinstance(cause, OSError):  # the files can be read: their copy cannot be written
            raise
        raise SourceError(
            f"datasets {datasets.__version__} cannot load {files[0]}",
            why=reason(cause),
            fix="write its columns as plain strings and numbers, without metadata",
        ) from error
    tables.check_columns(split.data.schema, schema, files[0])  # metadata may say something else
    label = tables.label_column(split.column_names, files[0], schema)
    names = getattr(split.features[label], "names", None) if label else None
    if names is not None and tuple(names) != schema.label_names:
        raise SourceError(
            f"{files[0]}: labels are named {', '.join(names)}",
            why=f"the catalog names them {', '.join(schema.label_names)}",
        )
    return split


def sample(split: Any, size: int | None, seed: int) -> Any:
    """`shuffle(seed).select(range(size))`; the split itself, unshuffled, if size is None."""
    if size is None:
        return split
    return split.shuffle(seed=seed).select(range(min(size, len(split))))


def stream(split: Any, function: Callable[..., Any]) -> Any:
    """A split as an `IterableDataset`, tokenized while it is read."""
    removed = _regrouped(split, function)
    return split.to_iterable_dataset().map(function, batched=True, remove_columns=removed)


def tokenize(split: Any, function: Callable[..., Any], num_proc: int | None = None) -> Any:
    """Apply the tokenizer to every row, in `num_proc` processes if given.

    No cache answers: a changed tokenizer must never be answered from an older map. The fingerprint
    is one that no map had before, or the files of an earlier one would say how many processes map.
    """
    return split.map(
        function,
        batched=True,
        remove_columns=_regrouped(split, function),
        num_proc=num_proc,
        load_from_cache_file=False,
        new_fingerprint=uuid.uuid4().hex,
    )


def _regrouped(split: Any, function: Callable[..., Any]) -> list[str] | None:
    """Columns that a `map` must drop: all, where there is not one example a row."""
    return list(split.column_names) if isinstance(function, TokenizeBlocks) else None

"""Loading in the judged environment: a user's rows become the tables that runs train on.

Rows are read by the libraries that train on them, so that what these change is seen. What is
written is plain: a parquet file a split with texts as they are and labels as ids, and `card.json`:
`task`, `texts`, `label_names`, `splits`; as `rows`, digests of each split's rows, in whatever way
a version of parquet's library writes them; as `notes`, what was decided without being declared; and
as `sources`, digests of the user's modules that made the rows, by their path in the repository.
"""

import json
import sys
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from harness.core import digest, redaction
from harness.core.errors import SourceError
from harness.core.job import LoadJob
from harness.core.schema import LABEL, Schema
from harness.worker import columns, label_inference, labelling, readers, splitting
from harness.worker.columns import Split
from harness.worker.labelling import Labelling

SEED = 42
"""Of what is split off: a recipe's own seeds must not change the rows."""

CARD = "card.json"

_AT_ONCE = 10_000
"""Rows that are Python's own at a time."""

_RESERVED = {"label", "labels", "label_ids", "tags", "input_ids", "attention_mask", "length"}
"""Columns that mean something to a loop: a text has another name."""

_TYPES = {
    "single_label_classification": pa.int64(),
    "regression": pa.float64(),
    "multi_label_classification": pa.list_(pa.float64()),
    "token_classification": pa.list_(pa.int64()),
}
"""Of the label column that is written, by task."""


def load(job: LoadJob) -> None:
    """Read a job's rows, and write them as tables into its output.

    Raises:
        SourceError: they cannot be read, or are not what the declaration says; the message names
            the place.
        SpecError: a declared split is not there.
    """
    dataset = job.dataset
    rows, places = readers.read(job)
    division = splitting.divide(dataset, rows.keys(), SEED)
    served = [division.train, *(v for v in division.others.values() if isinstance(v, str))]
    splits = {
        name: columns.split_of(dataset, name, rows[name], places) for name in dict.fromkeys(served)
    }
    for name, split in splits.items():
        if not len(split.table):
            raise SourceError(f"{places.of_split(name)} has no rows", fix="correct splits or path")
    texts = places.builder == "csv"
    labels = label_inference.of(dataset, splits[division.train], texts=texts)
    parts = _parts(division, splits)
    schema = Schema(
        texts=tuple(_column(name) for name in dataset.text_columns),
        label_names=labels.names,
        task=labels.task,
    )
    notes = [*places.notes, *labels.notes, *filter(None, [division.note]), *_dropped(splits)]
    digests = {}
    for name, part in parts.items():
        table = _table(part, schema, labels, dataset.label)
        if name == "train" and labels.task != "causal_lm":
            where = f"{places.of_split(part.name)}: {dataset.label!r}"
            labelling.check_varied(table.column(LABEL[labels.task]).to_pylist(), labels, where)
        limit = job.limits.get(name)
        if limit is not None and len(table) > limit:
            kinds = "length" if labels.task == "causal_lm" else "label and length"
            notes.append(f"{name}: {limit} of {len(table):,} rows, of every {kinds}")
            table = table.take(_sampled(table, schema, limit))
        pq.write_table(table, Path(job.output) / f"{name}.parquet")
        digests[name] = digest.of_rows(table.column_names, _rows(table))
    card = {
        "task": schema.task,
        "texts": schema.texts,
        "label_names": schema.label_names,
        "splits": list(parts),
        "rows": digests,
        "notes": [redaction.text(note) for note in notes],
        "sources": _sources(Path(job.root)) if dataset.is_code else {},
    }
    (Path(job.output) / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    """A table's rows."""
    for batch in table.to_batches(_AT_ONCE):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _parts(division: splitting.Division, splits: Mapping[str, Split]) -> dict[str, Split]:
    """Rows by what they serve, shares of the training rows split off."""
    train = splits[division.train]
    others, rest = {}, 1.0
    for name, source in division.others.items():
        if isinstance(source, str):
            others[name] = splits[source]
            continue
        try:
            staying, going = splitting.split_off(_keys(train.table), source / rest, SEED)
        except ValueError as error:
            raise SourceError(
                f"{train.places.of_split(train.name)}: no rows to split off for {name}",
                why=str(error),
                fix="name a split in splits={…}, or give more rows",
            ) from None
        others[name] = train.of(train.table.take(going))
        train, rest = train.of(train.table.take(staying)), rest - source
    return {"train": train, **others}


def _keys(table: pa.Table) -> list[Hashable]:
    """Every row's texts."""
    texts = [name for name in table.column_names if name not in {columns.LABEL, columns.ROW}]
    rows = zip(*(table.column(name).to_pylist() for name in texts), strict=True)
    return [tuple(tuple(t) if isinstance(t, list) else t for t in row) for row in rows]


def _column(name: str) -> str:
    """The name that a text column has in the tables."""
    return f"{name}_text" if name in _RESERVED else name


def _table(split: Split, schema: Schema, labels: Labelling, label: str | None) -> pa.Table:
    """A split's texts as they are, and its labels as a model learns them."""
    texts = [name for name in split.table.column_names if name not in {columns.LABEL, columns.ROW}]
    arrays = {
        column: split.table.column(name) for column, name in zip(schema.texts, texts, strict=True)
    }
    if labels.task != "causal_lm":
        values = labelling.learnt(labels, split, str(label))
        arrays[LABEL[schema.task]] = pa.chunked_array([pa.array(values, _TYPES[schema.task])])
        if schema.task == "token_classification":
            _check_lengths(split, arrays[schema.texts[0]], values)
    return pa.table(arrays)


def _check_lengths(split: Split, texts: pa.ChunkedArray, tags: Sequence[Sequence[int]]) -> None:
    """Refuse a row that has not one tag a word."""
    for row, (text, ids) in enumerate(zip(texts.to_pylist(), tags, strict=True)):
        if len(text) != len(ids):
            raise SourceError(
                f"{split.place(row)}: {len(text)} words, and {len(ids)} tags",
                fix="write one tag a word",
            )


def _dropped(splits: Mapping[str, Split]) -> list[str]:
    """What was left out of splits, a sentence each."""
    return [
        f"{split.places.of_split(name)}: left out {split.dropped:,} of {split.rows:,} rows, which "
        f"have no text{'' if split.feature is None else ' or no label'}"
        for name, split in splits.items()
        if split.dropped
    ]


def _sampled(table: pa.Table, schema: Schema, size: int) -> list[int]:
    """Indices of rows that stand for a whole table."""
    texts = zip(*(table.column(name).to_pylist() for name in schema.texts), strict=True)
    lengths = [sum(map(len, row)) for row in texts]
    return splitting.sample(lengths, _labels(table, schema), size)


def _labels(table: pa.Table, schema: Schema) -> list[Collection[Hashable]]:
    """The labels of each row, as a sample looks at them: of a number, its quartile."""
    if not LABEL[schema.task]:
        return [()] * len(table)
    values = table.column(LABEL[schema.task]).to_pylist()
    if schema.task == "regression":
        bands = np.searchsorted(np.quantile(values, (0.25, 0.5, 0.75)), values)
        return [(band,) for band in bands.tolist()]
    if schema.task == "multi_label_classification":
        return [[index for index, holds in enumerate(row) if holds] for row in values]
    if schema.task == "token_classification":
        return [tuple(row) for row in values]
    return [(value,) for value in values]


def _sources(root: Path) -> dict[str, str]:
    """Digests of the files below a root that were imported, less those of an environment there."""
    inside = {}
    for module in [*sys.modules.values()]:
        path = Path(getattr(module, "__file__", None) or "")
        if path.is_file() and path.is_relative_to(root) and not path.is_relative_to(sys.prefix):
            inside[path.relative_to(root).as_posix()] = digest.of_file(path)
    return dict(sorted(inside.items()))

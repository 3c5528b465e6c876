"""Loading in the judged environment: a user's rows become the tables that runs train on.

Rows are read by the libraries that train on them, so that what these change is seen. What is
written is plain: a parquet file a split with texts as they are and labels as ids, and `card.json`:
`task`, `texts`, `label_names`, `splits`, and as `notes` what was decided without being declared.
"""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.core import tables
from harness.core.errors import SourceError
from harness.core.job import LoadJob
from harness.core.schema import LABEL, Schema
from harness.worker import labelling, readers, splitting

SEED = 42
"""Of what is split off and sampled: a recipe's own seeds must not change the rows."""

CARD = "card.json"


def load(job: LoadJob) -> None:
    """Read a job's rows, and write them as tables into its output.

    Raises:
        SourceError: they cannot be read, or are not what the declaration says; the message names
            the place.
        SpecError: a declared split is not there.
    """
    dataset = job.dataset
    rows, notes = splitting.split(dataset, readers.read(job), SEED)
    for name, split in rows.items():
        error = readers.columns_missing(dataset, split.column_names, f"{dataset}, {name}")
        if error is not None:
            raise error
    labels = labelling.of(dataset, rows)
    schema = Schema(texts=dataset.text_columns, label_names=labels.names, task=labels.task)
    for name, split in rows.items():
        table = _table(split, schema, dataset.label, labels, f"{dataset}, {name}")
        path = Path(job.output) / f"{name}.parquet"
        limit = job.limits.get(name)
        if limit is not None and len(table) > limit:
            table = table.take(_sampled(table, schema, limit))
            notes.append(f"{name}: {limit} of {len(split)} rows, of every label and length")
        pq.write_table(table, path)
        if schema.task == "single_label_classification":
            tables.check_rows([path], schema)
    card = {
        "task": schema.task,
        "texts": schema.texts,
        "label_names": schema.label_names,
        "splits": list(rows),
        "notes": [*filter(None, [labels.note]), *notes],
    }
    (Path(job.output) / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def _table(
    split: Any, schema: Schema, label: str | None, labels: labelling.Labelling, where: str
) -> pa.Table:
    """A split's texts as they are, and its labels as a model learns them."""
    columns = {name: split[name][:] for name in schema.texts}
    for name, texts in columns.items():
        for row, text in enumerate(texts):
            if not isinstance(text, str | list):
                raise SourceError(
                    f"{where}: {name!r} is {'empty' if text is None else text!r} at row {row}",
                    fix="write a text there, or drop the row",
                )
    if label is not None:
        column = LABEL[schema.task]
        columns[column] = labelling.ids(labels, split[label][:], f"{where}: {label!r}")
    return pa.table(columns)


def _sampled(table: pa.Table, schema: Schema, size: int) -> list[int]:
    """Indices of rows that stand for a whole table."""
    texts = zip(*(table.column(name).to_pylist() for name in schema.texts), strict=True)
    column = LABEL[schema.task]
    labels = table.column(column).to_pylist() if column else [0] * len(table)
    if schema.task == "regression":
        labels = [0] * len(table)
    keys = [tuple(label) if isinstance(label, list) else label for label in labels]
    return splitting.sample([sum(map(len, row)) for row in texts], keys, size)

"""Read rows: what both sides make of the same bytes, and how a reader of the gate sees it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.core import digest
from harness.core.schema import Schema
from harness.judge.gate.read_rows import difference
from harness.judge.runs.inputs import Tables

ROWS = [("a, b", 0), ("c", 1), ("d", 0)]


def tables(folder: Path, rows: list[tuple[str, int]], **options: Any) -> Tables:
    """Tables of one split, as a reading leaves them."""
    folder.mkdir()
    path = folder / "train.parquet"
    texts, labels = zip(*rows, strict=True)
    pq.write_table(pa.table({"text": texts, "label": labels}), path, **options)
    return Tables(
        files={"train": (path,)},
        schema=Schema(texts=("text",), label_names=("no", "yes")),
        metrics={},
        compared_metrics=("accuracy",),
        f1_average="binary",
        ceiling={},
        origin="rows.csv",
        own=True,
        rows={"train": digest.of_rows(("text", "label"), rows)},
    )


def test_another_way_of_writing_rows_is_no_difference(tmp_path: Path) -> None:
    """Files that hold the same rows differ between versions of parquet's library."""
    base, candidate = tables(tmp_path / "a", ROWS), tables(tmp_path / "b", ROWS, compression="gzip")
    assert base.files["train"][0].read_bytes() != candidate.files["train"][0].read_bytes()
    assert base.content == candidate.content
    assert difference(base, candidate) == ""


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [ROWS[0], ("c", 0), ROWS[2]],
            "train: 1 of 3 rows differ; row 1 was {'text': 'c', 'label'",
        ),
        (ROWS[:2], "train: 1 of 3 rows, now 2, differ; row 2 was {'text': 'd', 'label': 0}, is"),
    ],
)
def test_other_rows_are_shown(tmp_path: Path, rows: list[tuple[str, int]], message: str) -> None:
    """How many, and the first."""
    text = difference(tables(tmp_path / "a", ROWS), tables(tmp_path / "b", rows))
    assert text.startswith(message)


def test_another_order_of_labels_is_shown(tmp_path: Path) -> None:
    """The ids are the same, and mean something else."""
    base, other = tables(tmp_path / "a", ROWS), tables(tmp_path / "b", ROWS)
    swapped = replace(other, schema=replace(other.schema, label_names=("yes", "no")))
    assert difference(base, swapped) == "label_names was ('no', 'yes'), is ('yes', 'no')"

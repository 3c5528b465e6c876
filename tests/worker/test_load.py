"""Loading: files as people have them become tables, whatever their form."""

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.core.dataset import Dataset
from tests.loaded import loaded

ROWS = [
    {"text": 'She said "no", twice', "label": "calm"},
    {"text": "two\nlines", "label": "angry"},
    {"text": "😀 emoji, ünïcode", "label": "calm"},
    {"text": "NA", "label": "None"},
    {"text": "007", "label": "angry"},
    {"text": "null", "label": "None"},
]


def _csv(rows: list[dict[str, Any]], delimiter: str = ",") -> str:
    """Rows as delimited text, every cell quoted."""
    quoted = [
        delimiter.join('"' + str(v).replace('"', '""') + '"' for v in row.values()) for row in rows
    ]
    return "\n".join([delimiter.join(rows[0]), *quoted]) + "\n"


def write_csv(path: Path) -> Mapping[str, Any]:
    """A CSV file."""
    path.with_suffix(".csv").write_text(_csv(ROWS), encoding="utf-8")
    return {"path": "data.csv"}


def write_marked_csv(path: Path) -> Mapping[str, Any]:
    """A CSV file as a spreadsheet saves it: with a byte-order mark and Windows' line ends."""
    text = _csv(ROWS).replace("\n", "\r\n").replace("two\r\nlines", "two\nlines")
    path.with_suffix(".csv").write_bytes(text.encode("utf-8-sig"))
    return {"path": "data.csv"}


def write_semicolons(path: Path) -> Mapping[str, Any]:
    """A CSV file with another delimiter."""
    path.with_suffix(".csv").write_text(_csv(ROWS, ";"), encoding="utf-8")
    return {"path": "data.csv", "options": {"delimiter": ";"}}


def write_utf16(path: Path) -> Mapping[str, Any]:
    """A CSV file in another encoding."""
    path.with_suffix(".csv").write_text(_csv(ROWS), encoding="utf-16")
    return {"path": "data.csv", "options": {"encoding": "utf-16"}}


def write_tsv(path: Path) -> Mapping[str, Any]:
    """A TSV file."""
    path.with_suffix(".tsv").write_text(_csv(ROWS, "\t"), encoding="utf-8")
    return {"path": "data.tsv"}


def write_packed(path: Path) -> Mapping[str, Any]:
    """A CSV file that is packed."""
    path.with_suffix(".csv.gz").write_bytes(gzip.compress(_csv(ROWS).encode()))
    return {"path": "data.csv.gz"}


def write_lines(path: Path) -> Mapping[str, Any]:
    """A JSON Lines file."""
    text = "".join(json.dumps(row) + "\n" for row in ROWS)
    path.with_suffix(".jsonl").write_text(text, encoding="utf-8")
    return {"path": "data.jsonl"}


def write_json(path: Path) -> Mapping[str, Any]:
    """A JSON file."""
    path.with_suffix(".json").write_text(json.dumps(ROWS), encoding="utf-8")
    return {"path": "data.json"}


def write_nested(path: Path) -> Mapping[str, Any]:
    """A JSON file whose rows lie in a field."""
    path.with_suffix(".json").write_text(json.dumps({"rows": ROWS}), encoding="utf-8")
    return {"path": "data.json", "options": {"field": "rows"}}


def write_parquet(path: Path) -> Mapping[str, Any]:
    """A Parquet file."""
    pq.write_table(pa.Table.from_pylist(ROWS), path.with_suffix(".parquet"))
    return {"path": "data.parquet"}


def write_arrow(path: Path) -> Mapping[str, Any]:
    """An Arrow file."""
    table = pa.Table.from_pylist(ROWS)
    with pa.ipc.new_stream(str(path.with_suffix(".arrow")), table.schema) as writer:
        writer.write_table(table)
    return {"path": "data.arrow"}


def write_named_builder(path: Path) -> Mapping[str, Any]:
    """A file without an ending, and the builder that reads it."""
    path.write_text(_csv(ROWS), encoding="utf-8")
    return {"path": "csv", "data_files": "data"}


def write_parts(path: Path) -> Mapping[str, Any]:
    """Parts that a pattern names."""
    path.with_name("part-1.csv").write_text(_csv(ROWS[:4]), encoding="utf-8")
    path.with_name("part-2.csv").write_text(_csv(ROWS[4:]), encoding="utf-8")
    return {"path": "csv", "data_files": {"train": "part-*.csv"}}


def write_saved(path: Path) -> Mapping[str, Any]:
    """A folder that `save_to_disk` wrote."""
    datasets.Dataset.from_list(ROWS).save_to_disk(str(path))
    return {"path": "data"}


def write_saved_splits(path: Path) -> Mapping[str, Any]:
    """The same with several splits, of which one is chosen."""
    rows = datasets.Dataset.from_list(ROWS)
    datasets.DatasetDict({"all": rows, "one": rows.select([0])}).save_to_disk(str(path))
    return {"path": "data", "splits": {"train": "all"}}


def write_folder(path: Path) -> Mapping[str, Any]:
    """A folder with one file."""
    path.mkdir()
    write_csv(path / "rows")
    (path / "README.md").write_text("# Rows\n", encoding="utf-8")
    (path / ".hidden").mkdir()
    (path / ".hidden" / "more.csv").write_text("nothing", encoding="utf-8")
    return {"path": "data"}


def write_function(path: Path) -> Mapping[str, Any]:
    """A function that returns a `Dataset`."""
    path.with_name("made.py").write_text(
        f"import datasets\n\ndef rows():\n    return datasets.Dataset.from_list({ROWS!r})\n",
        encoding="utf-8",
    )
    return {"path": "made:rows"}


WRITERS = [value for name, value in sorted(globals().items()) if name.startswith("write_")]


@pytest.mark.parametrize("write", WRITERS)
def test_same_rows_of_any_form(write: Callable[[Path], Mapping[str, Any]], tmp_path: Path) -> None:
    """Quotes, line breaks, emoji, and texts that pandas takes for nothing, are what they are."""
    shares = {"evaluation": 0.34}
    declared = write(tmp_path / "data")
    dataset = Dataset(
        **{**declared, "splits": {**shares, **declared.get("splits", {})}}, texts="text"
    )
    result = loaded(dataset, tmp_path)
    assert result.schema.task == "single_label_classification"
    assert result.schema.label_names == ("None", "angry", "calm")
    assert [len(split["text"]) for split in result.splits.values()] == [4, 2]
    rows = {
        text: result.schema.label_names[label]
        for split in result.splits.values()
        for text, label in zip(split["text"], split["label"], strict=True)
    }
    assert rows == {row["text"]: row["label"] for row in ROWS}
    assert result.notes == (
        "task='single_label_classification', by what the column 'label' holds",
        "label_names='None', 'angry', 'calm'",
    )

"""Readers: what cannot be read is refused by file, row and column, with what to write instead."""

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.dataset import TASKS, Dataset
from harness.core.errors import HarnessError
from harness.worker import readers
from tests.core.test_tables import columns
from tests.loaded import loaded

GOOD = "text,label\nfine,good\nawful,bad\nlovely,good\ndreadful,bad\n"


def refusal(folder: Path, **declared: Any) -> str:
    """The message with which a declared data set is refused."""
    with pytest.raises(HarnessError) as refused:
        loaded(Dataset(**{"texts": "text", **declared}), folder)
    assert len(refused.value.text.splitlines()) <= 4
    return refused.value.text


@pytest.mark.parametrize(
    ("content", "declared", "message"),
    [
        (GOOD, {"texts": "txt"}, "its columns: 'text', 'label'\ndid you mean 'text'?"),
        (GOOD, {"label": "queue"}, "data.csv has no column 'queue'"),
        (GOOD.replace("label", "queue"), {}, "say label=COLUMN, or label=None"),
        (GOOD.replace(",", ";"), {}, "options={'delimiter': ';'}"),
        (GOOD.replace(",", "\t"), {}, r"options={'delimiter': '\t'}"),
        (GOOD.replace(",", ";") + "a,b,c;good\n", {}, "options={'delimiter': ';'}"),
        (GOOD + "too,many,cells\n", {}, "data.csv cannot be read\nParserError"),
        ("", {}, "data.csv cannot be read\nEmptyDataError"),
        ("text,label\n", {}, "data.csv has no rows"),
        ("text,label\na,b\nc,b\nd,b\n", {}, "every row to train on is labelled 'b'"),
        ("text,label\nsame,a\nsame,b\n", {}, "no rows to split off for evaluation"),
        (GOOD + ",bad\n", {}, "data.csv, row 6 (the header is row 1): 'text' is empty"),
        ("\n" + GOOD + '\n"two\nlines",bad\n"  ",bad\n', {},
         "data.csv, row 9, line 10 (the header is row 1): 'text' is empty"),
        (GOOD + ",x\n,y\n,z\n", {}, "2 more: data.csv, row 7 (the header is row 1); data.csv, row"),
        (GOOD + "word,\n", {}, "row 6 (the header is row 1): 'label' is empty"),
        ("fine,good\n,bad\n", {"options": {"column_names": ["text", "label"]}},
         "data.csv, row 2: 'text' is empty"),
        (GOOD + ",bad\n", {"options": {"skiprows": [2]}},
         "data.csv, row 4 of its data (the first is row 1): 'text' is empty"),
        (GOOD, {"options": {"delimeter": ";"}}, "delimeter"),
        (GOOD, {"splits": {"evaluation": "test"}}, "unknown split for evaluation 'test'"),
    ],
)  # fmt: skip
def test_bad_csv(tmp_path: Path, content: str, declared: dict[str, Any], message: str) -> None:
    """A row is counted as a spreadsheet does, and as an editor does where that differs."""
    (tmp_path / "data.csv").write_text(content, encoding="utf-8")
    assert message in refusal(tmp_path, path="data.csv", **declared)


def test_row_of_several_files(tmp_path: Path) -> None:
    """A row of the second of two files is counted in that one, packed or not."""
    (tmp_path / "1.csv").write_text(GOOD, encoding="utf-8")
    (tmp_path / "2.csv.gz").write_bytes(gzip.compress((GOOD + ",bad\n").encode()))
    message = refusal(tmp_path, path="csv", data_files=("1.csv", "2.csv.gz"))
    assert message.startswith("2.csv.gz, row 6 (the header is row 1): 'text' is empty")


def test_incomplete_rows_are_left_out(tmp_path: Path) -> None:
    """Where that is declared; and of two texts, one may be empty anyway."""
    rows = "a,b,label\n,,x\n1,,x\n,2,y\n3,4,\n5,6,y\n"
    (tmp_path / "data.csv").write_text(rows, encoding="utf-8")
    result = loaded(
        Dataset(path="data.csv", texts=("a", "b"), incomplete="drop", splits={"evaluation": 0.3}),
        tmp_path,
    )
    pairs = {
        pair
        for split in result.splits.values()
        for pair in zip(split["a"], split["b"], strict=True)
    }
    assert pairs == {("1", ""), ("", "2"), ("5", "6")}
    assert result.notes[-1] == "data.csv: left out 2 of 5 rows, which have no text or no label"


def test_other_encodings(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are refused with the encoding to say."""
    text = GOOD.replace("lovely", "très joli")
    (tmp_path / "latin.csv").write_text(text, encoding="latin-1")
    (tmp_path / "wide.csv").write_text(text, encoding="utf-16")
    (tmp_path / "latin.txt").write_text(text, encoding="latin-1")
    assert "options={'encoding': 'latin-1'}" in refusal(tmp_path, path="latin.csv")
    assert "options={'encoding': 'utf-16'}" in refusal(tmp_path, path="wide.csv")
    assert "options={'encoding': 'latin-1'}" in refusal(tmp_path, path="latin.txt", label=None)
    read = loaded(
        Dataset(path="latin.csv", texts="text", options={"encoding": "latin-1"}), tmp_path
    )
    assert "très joli" in [text for split in read.splits.values() for text in split["text"]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data.parquet", b"PAR1nonsense", "data.parquet cannot be read"),
        ("data.parquet", b"", "data.parquet cannot be read"),
        ("data.json", b'[{"text": "a", "label"', "data.json cannot be read"),
        ("data.jsonl", b'{"text": "a"}\n{"text": \n', "data.jsonl cannot be read"),
        ("data.arrow", b"ARROW1", "data.arrow cannot be read"),
        ("data.csv.gz", b"text,label\na,b\n", "data.csv.gz cannot be read"),
        ("data.xlsx", b"PK", "data.xlsx is no table that datasets reads by its ending"),
        ("data", b"text,label\n", "it has no ending"),
        ("data/x.csv/deep.png", b"", "data/x.csv cannot be read"),
    ],
)
def test_files_that_are_none(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    """Whatever bytes there are, they are refused by the file's name."""
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(content)
    assert message in refusal(tmp_path, path=name.partition("/")[0])


def test_no_rows(tmp_path: Path) -> None:
    """A table without rows is said to have none."""
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "data.parquet")
    assert "data.parquet has no rows" in refusal(tmp_path, path="data.parquet")


def test_truncated_parquet(tmp_path: Path) -> None:
    """A file that was cut is refused."""
    table = pa.table({"text": [f"text {n}" for n in range(50)], "label": [0, 1] * 25})
    pq.write_table(table, tmp_path / "data.parquet")
    whole = (tmp_path / "data.parquet").read_bytes()
    (tmp_path / "data.parquet").write_bytes(whole[: len(whole) // 2])
    assert "data.parquet cannot be read" in refusal(tmp_path, path="data.parquet")


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (pa.array([1, 2, 3]), "data.parquet: 'text' holds int64, not text"),
        (pa.array([None, None, None]), "data.parquet: 'text' is empty in every row"),
        (pa.array([b"a", b"b", b"c"]), "holds binary, not text"),
        (pa.array([[1], [2], [3]]), "holds lists of int64, not text"),
        (pa.array(["a", None, "c"]), "row 2 of its data (the first is row 1): 'text' is empty"),
        (pa.array([b"a", b"\xff", b"c"]).view(pa.string()), "row 2 of its data"),
    ],
)
def test_columns_of_other_types(tmp_path: Path, texts: Any, message: str) -> None:
    """Texts are strings."""
    pq.write_table(pa.table({"text": texts, "label": [0, 1, 0]}), tmp_path / "data.parquet")
    assert message in refusal(tmp_path, path="data.parquet")


RAISES = "def rows():\n    raise KeyError('x')"
RETURNS = "import datasets\ndef rows(): return datasets.Dataset.from_dict({})"
BREAKS = """
import datasets
def broken():
    yield {'text': 'a'}
    raise OSError('gone')
def rows(): return datasets.IterableDataset.from_generator(broken)
"""


@pytest.mark.parametrize(
    ("code", "reference", "message"),
    [
        ("", "absent:rows", "absent:rows cannot be imported\nModuleNotFoundError"),
        ("", "made:rows", "made:rows cannot be imported\nAttributeError"),
        ("1/0", "made:rows", "ZeroDivisionError: division by zero (made.py, line 1)"),
        ("def rows(: pass", "made:rows", "made:rows cannot be imported\nSyntaxError"),
        ("rows = 7", "made:rows", "made:rows is int, which cannot be called"),
        (RAISES, "made:rows", "raised an exception\nKeyError: 'x' (made.py, line 2)"),
        ("def rows(): raise SystemExit", "made:rows", "raised an exception\nSystemExit"),
        ("def rows(files): pass", "made:rows", "missing 1 required positional argument"),
        ("def rows(): return [1]", "made:rows", "made:rows gives a list"),
        ("def rows(): return {}", "made:rows", "it has no split"),
        ("def rows(): return {'train': [1]}", "made:rows", "made:rows gives a dict"),
        (RETURNS.format({"a": [1]}), "made:rows", "made:rows, split train has no column 'text'"),
        (
            RETURNS.format({"text": ["", "b"], "label": [1, 2]}),
            "made:rows",
            "made:rows, split train, row 1 of its data (the first is row 1): 'text' is empty",
        ),
        (BREAKS, "made:rows", "made:rows cannot be read\nOSError: gone"),
    ],
)
def test_bad_functions(
    tmp_path: Path, code: str, reference: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function that does not import, raises, or returns something else is named, and its line."""
    name = f"made_{abs(hash(code))}"  # a module is imported once a process
    (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    refused = refusal(tmp_path, path=reference.replace("made", name))
    assert message in refused.replace(name, "made")


QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
"""A busy machine draws slowly; and every example writes its files anew."""

CELLS = st.one_of(
    st.sampled_from(["", " ", "NA", "null", "None", "1", "2", "0.5", "true", "a", "b", '"', "\n"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=6),
)


@settings(deadline=None, max_examples=60, suppress_health_check=QUIET)
@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=8),
    incomplete=st.sampled_from(["refuse", "drop"]),
    header=st.booleans(),
)
def test_any_table(tmp_path: Path, rows: list[list[str]], incomplete: str, *, header: bool) -> None:
    """Whatever stands in a CSV file, it comes back as it was, or is refused by its name."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([["text", "label"]] * header + rows)
    (tmp_path / "data.csv").write_text(written.getvalue(), encoding="utf-8", newline="")
    dataset = Dataset(path="data.csv", texts="text", incomplete=incomplete)  # type: ignore[arg-type] # drawn
    refused, result = None, None
    try:
        result = loaded(dataset, tmp_path)
    except HarnessError as error:
        refused = error
    if result is None:
        assert refused is not None
        assert "data.csv" in refused.text
        assert refused.fix
        return
    texts = [text for split in result.splits.values() for text in split["text"]]
    assert set(texts) <= {text for text, _ in rows}


def test_stream_is_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function may return a stream."""
    code = (
        "import datasets\n"
        "def rows():\n"
        "    return datasets.Dataset.from_dict({'text': ['a', 'b', 'c'], 'label': [0, 1, 0]})"
        ".to_iterable_dataset()\n"
    )
    (tmp_path / "streamed.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    result = loaded(Dataset(path="streamed:rows", texts="text"), tmp_path)
    assert sum(len(split["text"]) for split in result.splits.values()) == 3


@st.composite
def stored_table(draw: st.DrawFn) -> pa.Table:
    """A table whose columns may hold anything, with nulls or without."""
    rows = draw(st.integers(0, 6))
    usual = {
        "text": pa.array([f"text {number}" for number in range(rows)]),
        "label": pa.array([number % 2 for number in range(rows)]),
    }
    arrays = {
        name: usual[name] if draw(st.booleans()) else draw(columns(rows))
        for name in draw(st.sampled_from([("text", "label"), ("text",), ("label", "text")]))
    }
    return pa.table(arrays)


@settings(deadline=None, max_examples=150, suppress_health_check=QUIET)
@given(
    table=stored_table(),
    task=st.sampled_from([None, *TASKS]),
    incomplete=st.sampled_from(["refuse", "drop"]),
)
def test_any_columns(tmp_path: Path, table: pa.Table, task: Any, incomplete: Any) -> None:
    """Whatever a column holds, its rows become tables, or are refused by the file's name."""
    pq.write_table(table, tmp_path / "data.parquet")
    dataset = Dataset(path="data.parquet", texts="text", task=task, incomplete=incomplete)
    try:
        result = loaded(dataset, tmp_path)
    except HarnessError as error:
        refused = error.text
    else:
        refused = ""
        assert task in {None, result.schema.task}
        assert sum(len(split["text"]) for split in result.splits.values()) <= len(table)
    assert not refused or "data.parquet" in refused


ENDLESS = """
import itertools
import datasets
def endless():
    for number in itertools.count():
        yield {"text": f"row {number}", "label": number % 2}
def rows(): return datasets.IterableDataset.from_generator(endless)
"""


def test_a_stream_is_cut_and_that_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One may be endless: its beginning is taken, and what is taken is said."""
    (tmp_path / "endless.py").write_text(ENDLESS, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(readers, "_STREAMED", 40)
    dataset = Dataset(path="endless:rows", texts="text")
    assert "train: the first 40 rows of a stream, which has more" in loaded(dataset, tmp_path).notes

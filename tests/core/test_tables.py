"""Tables and weights: whatever bytes there are, they can be trained on or are refused by name."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from harness.core import tables, weights
from harness.core.errors import SourceError
from harness.core.schema import Schema
from harness.judge.runs.sources import embedded

SCHEMA = Schema(texts=("text",), label_names=("no", "yes"))
GARBAGE = settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text(),
    "large_string": st.text(min_size=1),
    "binary": st.binary(),
    "int8": st.integers(-3, 3),
    "uint64": st.integers(0, 2**64 - 1),
    "int64": st.integers(0, 1),
    "float64": st.floats(),
    "bool": st.booleans(),
    "null": st.none(),
    "list": st.lists(st.text(), max_size=2),
    "struct": st.fixed_dictionaries({"a": st.integers(0, 1)}),
    "dictionary": st.text(),
    "damaged": st.binary(min_size=1),
}


@st.composite
def columns(draw: st.DrawFn, rows: int) -> pa.Array:
    """A column of any type, with nulls or without, of texts that may not be UTF-8."""
    kind = draw(st.sampled_from(sorted(VALUES)))
    values = VALUES[kind] | st.none() if draw(st.booleans()) else VALUES[kind]
    drawn = draw(st.lists(values, min_size=rows, max_size=rows))
    if kind == "damaged":
        return pa.array(drawn, pa.binary()).view(pa.string())
    if kind == "dictionary":
        return pa.array(drawn, pa.string()).dictionary_encode()
    types = {"list": pa.list_(pa.string()), "struct": pa.struct([("a", pa.int64())])}
    return pa.array(drawn, types[kind] if kind in types else pa.type_for_alias(kind))


@st.composite
def any_table(draw: st.DrawFn) -> pa.Table:
    """A table whose columns may be the right ones."""
    names = draw(st.lists(st.sampled_from(["text", "label", "labels", "other"]), max_size=4))
    rows = draw(st.integers(0, 4))
    usual = {"text": pa.array(["word"] * rows), "label": pa.array([1] * rows, pa.int64())}
    if draw(st.booleans()):
        names = ["text", "label"]
    arrays = [
        usual[name] if name in usual and draw(st.booleans()) else draw(columns(rows))
        for name in names
    ]
    return pa.Table.from_arrays(arrays, names=names)


def refusal(path: Path) -> str:
    """The message with which a file is refused; empty if it is not."""
    try:
        tables.check_footers([path], SCHEMA)
        tables.check_rows([path], SCHEMA)
    except SourceError as error:
        return error.text
    return ""


def refusal_of_weights(path: Path) -> str:
    """The same for weights."""
    try:
        weights.shapes(path.parent)
    except SourceError as error:
        return error.text
    return ""


@GARBAGE
@given(table=any_table())
def test_any_table_trains_or_is_refused(tmp_path: Path, table: pa.Table) -> None:
    """What passes is texts and labels throughout; what does not is one message with the file."""
    path = tmp_path / "train.parquet"
    pq.write_table(table, path)
    message = refusal(path)
    if message:
        assert message.startswith(str(path))
        assert len(message.splitlines()) > 1  # the reason, or what to do
        return
    (label,) = {"label", "labels"} & {*table.column_names}
    rows = table.select(["text", label]).to_pylist()
    assert rows
    assert all(row["text"].strip() and row[label] in {0, 1} for row in rows)


@GARBAGE
@given(data=st.data())
def test_any_bytes_are_a_table_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    """A file that is cut off, changed or nonsense never ends in another error."""
    path = tmp_path / "train.parquet"
    pq.write_table(pa.table({"text": ["good", "bad"] * 9, "label": [1, 0] * 9}), path)
    whole = path.read_bytes()
    path.write_bytes(harmed(data, whole))
    message = refusal(path)
    assert not message or message.startswith(str(path))


@GARBAGE
@given(data=st.data())
def test_any_bytes_are_weights_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    """The same for safetensors; a file that is cut off is always refused."""
    path = tmp_path / "model.safetensors"
    whole = (embedded() / "models" / "bert-base-uncased" / path.name).read_bytes()
    harm = harmed(data, whole)
    path.write_bytes(harm)
    message = refusal_of_weights(path)
    if message:
        assert message.startswith(str(path))
        return
    assert len(harm) == len(whole)
    with safe_open(path, framework="numpy") as file:  # the worker's own reader takes it too
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in [*file.keys()]}
    assert weights.shapes(tmp_path) == shapes


def described(**tensors: tuple[str, list[Any], list[Any]]) -> bytes:
    """A file of twelve bytes of weights whose header describes tensors."""
    header = json.dumps(
        {name: dict(zip(("dtype", "shape", "data_offsets"), part, strict=True))
         for name, part in tensors.items()}
    ).encode()  # fmt: skip
    return len(header).to_bytes(8, "little") + header + bytes(12)


@pytest.mark.parametrize(
    ("whole", "reason"),
    [
        (described(a=("F32", [3], [0, 8])), "a is not where its shape and type put it"),
        (described(a=("F32", [10**12, 0, 3], [0, 12])), "a is not where"),
        (described(a=("F32", [10**12], [0, 12])), "a is not where"),
        (described(a=("F32", [2], [0, 8])), "its tensors take 8 bytes, and there are 12"),
        (described(a=("F32", [2], [0, 8]), b=("F32", [2], [4, 12])), "b is not where"),
        (described(a=("F32", [-3], [0, 12])), "a has a shape or a place that is no count"),
        (described(a=("F32", [True, 3], [0, 12])), "a has a shape or a place that is no count"),
        (described(a=("Q32", [3], [0, 12])), "a is of an unknown type, Q32"),
        ((2**40).to_bytes(8, "little"), "a header of 1099511627776 bytes is too long"),
        (b"\2\0\0\0\0\0\0\0[]", "holds no weights that can be read"),
    ],
)
def test_weights_that_contradict_their_header_are_refused(
    tmp_path: Path, whole: bytes, reason: str
) -> None:
    """Whatever size a header claims, it is that of the bytes behind it."""
    (tmp_path / "model.safetensors").write_bytes(whole)
    assert reason in refusal_of_weights(tmp_path / "model.safetensors")


@pytest.mark.parametrize(
    ("kind", "shape"),
    [("F32", [3]), ("BF16", [2, 3]), ("BOOL", [12]), ("F8_E4M3", [12]), ("F4", [24])],
)
def test_weights_of_every_type_are_read(tmp_path: Path, kind: str, shape: list[int]) -> None:
    """A type is named for its bits."""
    (tmp_path / "model.safetensors").write_bytes(described(a=(kind, shape, [0, 12])))
    assert weights.shapes(tmp_path) == {"a": tuple(shape)}


def harmed(data: st.DataObject, whole: bytes) -> bytes:
    """Bytes cut off, with one changed near their begin or end, or others altogether."""
    kind = data.draw(st.sampled_from(["cut", "changed", "other"]))
    if kind == "cut":
        return whole[: data.draw(st.integers(0, len(whole) - 1))]
    if kind == "other":
        return data.draw(st.binary(max_size=64))
    place = data.draw(st.integers(-600, 600))
    place = max(-len(whole), min(place, len(whole) - 1)) % len(whole)
    return whole[:place] + data.draw(st.binary(min_size=1, max_size=1)) + whole[place + 1 :]


SUITES = """
from harness import Matrix, Recipe, Suite

class TestImdb(Suite):
    recipe = Recipe(dataset="imdb")

class TestMrpc(Suite):
    recipe = Recipe(dataset="glue/mrpc")

class TestYelp(Suite):
    recipe = Recipe(dataset="yelp_review_full")
    matrix = Matrix(model=["bert-base-cased", "distilbert-base-uncased"])
"""


def test_unusable_sources_are_told_before_anything_starts(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file is named with its reason, without a frame of ours and without a worker."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = pytester.path / "sources"
    for kind in ("datasets", "models"):
        shutil.copytree(embedded() / kind, folder / kind)
    (folder / "datasets" / "imdb" / "test.parquet").write_bytes(b"PAR1 nonsense PAR1")
    pq.write_table(
        pa.table({"sentence1": [1], "sentence2": ["b"], "label": [0]}),
        folder / "datasets" / "mrpc" / "train.parquet",
    )
    stored = folder / "models" / "bert-base-cased" / "model.safetensors"
    stored.write_bytes(stored.read_bytes()[:-1])
    config = folder / "models" / "distilbert-base-uncased" / "config.json"
    values = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps(values | {"dim": 10**9}), encoding="utf-8")
    pytester.makepyfile(test_unusable=SUITES)
    where = ("--harness-sources=sources", "--harness-scale=full", "--harness-device=cpu")
    result = pytester.runpytest_subprocess(*where, "-k", "test_rows_are_enough")
    output = result.stdout.str()
    for message in (
        f"{folder}/datasets/imdb/test.parquet cannot be read as parquet",
        f"{folder}/datasets/mrpc/train.parquet: 'sentence1' is int64, not text",
        f"{stored} holds no weights that can be read",
        f"{config}: dim is 1000000000",
    ):
        assert message in output
    assert "Traceback" not in output
    assert not [*pytester.path.glob(".harness/**/record.json")]


def test_a_folder_that_is_not_there_is_told(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source folder that was named and is missing is an error, not another place to skip."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    pytester.makepyfile(test_unusable=SUITES)
    where = ("--harness-sources=nowhere", "--harness-scale=full", "--harness-device=cpu")
    result = pytester.runpytest_subprocess(*where, "-k", "TestImdb and test_rows_are_enough")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f"*{pytester.path}/nowhere is no folder*"])

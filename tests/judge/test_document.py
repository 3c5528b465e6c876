"""Files that users write: whatever they hold, they are read, or refused in one line."""

import contextlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import MisfitError, SpecError
from harness.core.serial import Place
from harness.judge.document import Document
from harness.judge.nightly import annotations
from harness.judge.nightly.baseline import Baselines

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda parts: (
        st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=5), parts, max_size=3)
    ),
    max_leaves=8,
)
"""Anything that JSON can say."""

KEYS = st.sampled_from(["a", "b", 'quo"ted', "ü", "", "x.y"])
TABLES = st.dictionaries(KEYS, st.integers() | st.lists(st.integers(), max_size=2), max_size=4)


def places(value: Any, place: Place = ()) -> list[Place]:
    """Every place inside a value."""
    parts: Any = value.items() if isinstance(value, Mapping) else ()
    if isinstance(value, list):
        parts = enumerate(value)
    return [place, *(inner for key, part in parts for inner in places(part, (*place, key)))]


def line_of(document: Document, place: Place) -> int:
    """The line that a document names for a place."""
    return int(document.where(place).rpartition(":")[2])


@given(value=st.dictionaries(KEYS, JSON, min_size=1, max_size=3))
def test_lines_of_json_are_those_of_the_values(value: dict[str, Any]) -> None:
    """The line holds the key, or the value itself in a list, as Python's own writer put it."""
    text = json.dumps(value, indent=1)
    document = Document(path=Path("x.json"), text=text, content=value)
    for place in places(value):
        if place:
            line = text.split("\n")[line_of(document, place) - 1]
            assert line.startswith(" " * len(place))
            assert not line.startswith(" " * (len(place) + 1))
            if isinstance(place[-1], str):
                assert line.lstrip().startswith(json.dumps(place[-1]))


@given(tables=st.lists(TABLES, max_size=4), comment=st.text("#[]=\"'a \t", max_size=8))
def test_lines_of_toml_are_those_of_the_keys(tables: list[dict[str, Any]], comment: str) -> None:
    """Whatever stands around a key; a table's own line is that of its heading."""
    text = 'around = """\n[[kind]]\na = 1\n"""\n'
    lines: dict[Place, int] = {}
    for index, table in enumerate(tables):
        text += f"# {comment}\n\n"
        lines["kind", index] = text.count("\n") + 1
        text += "[[kind]]\n"
        for name, value in table.items():
            lines["kind", index, name] = text.count("\n") + 1
            text += f"{json.dumps(name, ensure_ascii=False)} = {json.dumps(value, indent=1)}\n"
    document = Document(path=Path("x.toml"), text=text)
    assert {place: line_of(document, place) for place in lines} == lines


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.toml", "a = 1\nb =\n", "x.toml:2: is not TOML: Invalid value"),
        ("x.json", '{\n"a": 1,\n}', "x.json:3: is not JSON: "),
        ("x.toml", b"\xff", "x.toml is not UTF-8 text"),
        ("x.json", "[" * 100_000, "x.json: is not JSON: "),
        ("x.json", "1" * 5000, "x.json: is not JSON: "),
    ],
)
def test_what_is_not_the_language_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str | bytes, message: str
) -> None:
    """In one line, with the line of the file where there is one."""
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SpecError, match=re.escape(message)) as caught:
        Document.read(tmp_path / name)
    assert "\n" not in caught.value.text


def test_a_missing_file_says_nothing_and_an_unreadable_one_is_told(tmp_path: Path) -> None:
    """A folder in a file's place is no file that is not there."""
    assert Document.read(tmp_path / "x.toml").content == {}
    with pytest.raises(SpecError, match="cannot be read: Is a directory"):
        Document.read(tmp_path)


def test_what_has_no_line_has_that_of_the_table_around_it() -> None:
    """A missing field is missing in a table."""
    document = Document(path=Path("/x.toml"), text="\n[[a]]\nb = 1\n", content={"a": [{"b": 1}]})
    error = document.wrong(MisfitError("is missing", place=("a", 0, "c")))
    assert error.text == "/x.toml:2: a.0.c: is missing"


@given(value=JSON)
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    """Never another exception, whatever value stands at whichever depth."""
    path = tmp_path_factory.getbasetemp() / "baselines.json"
    for content in (
        value,
        {"version": value, "cells": {}},
        {"version": 1, "cells": value},
        {"version": 1, "cells": {"cell": {"cpu": {"rolling": value}}}},
    ):
        path.write_text(json.dumps(content), encoding="utf-8")
        with contextlib.suppress(SpecError):
            Baselines.load(path)
    change = [{"night": value, "because": value}]
    document = Document(path=path.with_suffix(".toml"), content={"change": change})
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(SpecError):
        patch.setattr(Document, "read", lambda _: document)
        annotations.load(path)

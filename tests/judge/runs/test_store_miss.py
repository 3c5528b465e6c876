"""Misses: a run that trains anew although it is stored says what is another environment."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.judge.cell import Cell
from harness.judge.runs import store_miss
from harness.judge.runs.runner import Runner
from harness.judge.store.local import Store
from tests.conftest import Door


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"files": {"harness": "x"}},
            "the files of finetune-harness that workers run have changed",
        ),
        ({"files": {"torch": "x"}}, "files of torch have changed"),
        ({"packages": {"torch": "0.1"}}, "torch was {torch}, is 0.1"),
        ({"packages": {"sixer": "1"}}, "sixer was absent, is 1"),
        ({"flags": {"OMP_NUM_THREADS": "3"}}, "other environment variables"),
        ({}, "another device or number of threads"),
    ],
)
def test_what_differs_is_named(
    runner: Runner,
    small_cell: Cell,
    tmp_path: Path,
    changes: dict[str, Any],
    message: str,
) -> None:
    """A version, files, a variable; a record of the same environment explains nothing."""
    key, judged = runner.run(small_cell).key, runner.environment()
    shutil.copytree(runner.store.root / "records" / key.path, tmp_path / "records" / key.path)
    store = Store(tmp_path)
    assert store_miss.explain(store, key, judged) == ""
    judged = judged | {part: judged[part] | values for part, values in changes.items()}
    other = replace(key, environment="f" * 64)
    sentence = store_miss.explain(store, other, judged)
    version = runner.environment()["packages"]["torch"]
    assert sentence.endswith(f"another environment: {message.format(torch=version)}")


def test_a_session_says_why_it_has_nothing(door: Door) -> None:
    """The reason stands beside what is not measured."""
    result = door("--harness-stored", "--harness-threads=2", "--harness-scale=tiny", "-k", "labels")
    result.stdout.fnmatch_lines(["*what is stored ran in another environment: *"])
    assert "another environment" not in str(door("--harness-stored", "-k", "labels").stdout)

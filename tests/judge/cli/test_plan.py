"""`harness plan`: which collation to use, from lengths alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.judge.runs.runner import Runner
from harness.judge.runs.sources import embedded


def plan(runner: Runner, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in a folder, with a store that others may have filled."""
    store = f"--store={runner.settings.store}"
    return subprocess.run(
        [sys.executable, "-m", "harness.judge.cli", "plan", *arguments, store],
        cwd=folder,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_plan_says_what_to_use(runner: Runner, tmp_path: Path) -> None:
    """A line for each collation, the fastest first, and one for each thing that it may change."""
    page = tmp_path / "plans" / "imdb.html"
    done = plan(
        runner, tmp_path, "imdb", "bert-base-uncased", "--harness-scale=tiny", f"--html={page}"
    )
    assert done.returncode == 0, done.stderr
    head, limit, _, _, *table = done.stdout.splitlines()
    assert "examples of" in head
    assert limit.startswith("at most ")
    lines = [line.split() for line in table[: table.index("")]]
    speedups = [float(columns[1].removesuffix("x")) for columns in lines]
    assert speedups == sorted(speedups, reverse=True)
    assert {columns[0].partition(":")[0] for columns in lines} == {
        *("max_length", "dynamic", "pad_to_multiple_of", "group_by_length", "sorted"),
        *("max_tokens", "packed", "padding_free"),
    }
    advised = table[table.index("") + 1 :]
    assert advised[0].startswith("same batches: ")
    assert "planned" in page.read_text(encoding="utf-8")


def test_batches_of_one_have_no_padding(runner: Runner, tmp_path: Path) -> None:
    """Then the simplest collation is as good as any."""
    arguments = ("imdb", "bert-base-uncased", "--harness-scale=tiny", "--batch-size=1")
    done = plan(runner, tmp_path, *arguments)
    assert "same batches: dynamic" in done.stdout


def test_another_models_tokenizer_will_do(runner: Runner, tmp_path: Path) -> None:
    """Full scale needs no checkpoint, only a vocabulary that cuts texts alike."""
    folder = tmp_path / "sources"
    shutil.copytree(embedded() / "datasets" / "mrpc", folder / "datasets" / "mrpc")
    shutil.copytree(
        embedded() / "models" / "distilbert-base-uncased",
        folder / "models" / "distilbert-base-uncased",
    )
    sources = f"--harness-sources={folder}"
    done = plan(runner, tmp_path, "glue/mrpc", "bert-base-uncased", sources)
    assert done.returncode == 0, done.stderr
    arguments = ("glue/mrpc", "bert-base-cased", sources, "--harness-scale=full")
    done = plan(runner, tmp_path, *arguments)
    assert done.returncode != 0
    assert "model 'bert-base-cased' was not found" in done.stderr


def test_without_data_the_stand_ins_answer(runner: Runner, tmp_path: Path) -> None:
    """Offline, with nothing but what is embedded, there is a plan; its first line says of what."""
    done = plan(runner, tmp_path, "imdb", "bert-base-uncased")
    assert done.returncode == 0, done.stderr
    first, second, *rest = done.stdout.splitlines()
    assert first.startswith("dataset 'imdb' was not found: what follows is of the embedded")
    assert "--harness-sources DIR" in second
    tiny = plan(runner, tmp_path, "imdb", "bert-base-uncased", "--harness-scale=tiny")
    assert rest[1:] == tiny.stdout.splitlines()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["imbd", "bert-base-uncased"], "did you mean 'imdb'"),
        (["imdb", "bert-base"], "unknown model 'bert-base'"),
        (
            ["imdb", "bert-base-uncased", "--harness-scale=tiny", "--max-length=129"],
            "max_length=129 is over the limit",
        ),
        (["imdb", "bert-base-uncased", "--batch-size=0"], "--batch-size: 0 is too small; give 1"),
        (["imdb", "bert-base-uncased", "--max-length=0"], "--max-length: 0 is too small; give 3"),
        (["imdb", "bert-base-uncased", "--samples=0"], "--samples: 0 is too small; give 1"),
    ],
)
def test_what_cannot_be_planned_is_told(
    runner: Runner, tmp_path: Path, arguments: list[str], message: str
) -> None:
    """Without a traceback."""
    done = plan(runner, tmp_path, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr

"""`harness plan` on rows of one's own: a file as it lies there, or what suites declare."""

import json
from pathlib import Path

import pytest

from harness.judge.runs.runner import Runner
from tests import tickets
from tests.judge.cli.test_plan import plan

SUITES = """
from harness import Benchmark, Dataset, Matrix, Model, Recipe, Suite

class TestNames(Suite):
    recipe = Recipe(
        dataset=Dataset(path="data/names.jsonl", texts="words", label="tags"),
        max_length=64,
        per_device_train_batch_size=4,
    )
    matrix = Matrix(loop=["trainer", "pytorch"])

class TestPlay(Benchmark):
    recipe = Recipe(
        dataset=Dataset(path="data/play.txt", texts="text", label=None),
        model=Model(config={"model_type": "gpt2"}),
        loop="pytorch",
    )
    matrix = Matrix(collation=["dynamic", "max_length"])
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with rows of three kinds, and suites of two of them."""
    tickets.write(tmp_path / "data" / "tickets.csv", rows=90)
    names = [
        {"words": ["Ann"] * (3 + n % 5), "tags": ["B"] + ["O"] * (2 + n % 5)} for n in range(40)
    ]
    lines = "".join(f"{json.dumps({**row, 'number': n})}\n" for n, row in enumerate(names))
    (tmp_path / "data" / "names.jsonl").write_text(lines, encoding="utf-8")
    play = "".join(f"to be {n} or not {'to be ' * (n % 7)}\n" for n in range(60))
    (tmp_path / "data" / "play.txt").write_text(play, encoding="utf-8")
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "test_two.py").write_text(SUITES, encoding="utf-8")
    return tmp_path


def test_a_file_is_planned_as_it_lies_there(runner: Runner, repository: Path) -> None:
    """Its columns are found; without the model, a stand-in cuts it into tokens, which is said."""
    done = plan(runner, repository, "data/tickets.csv", "bert-base-uncased", "--batch-size=8")
    assert done.returncode == 0, done.stderr
    first, *_ = done.stdout.splitlines()
    assert first.startswith(
        "model 'bert-base-uncased' was not found: what follows is by a stand-in"
    )
    assert "\nsubject, body of tickets, bert-base-uncased, batches of 8\n72 examples" in done.stdout
    assert "same batches: " in done.stdout


def test_suites_are_planned_as_they_train(runner: Runner, repository: Path) -> None:
    """A plan for each way of making batches: words are counted as words, whatever the task."""
    done = plan(runner, repository, "suites", "--harness-scale=tiny", "--html=plan.html")
    assert done.returncode == 0, done.stderr
    assert "words of names, bert-base-uncased, batches of 4\n32 examples of 5 to " in done.stdout
    assert "text of play, gpt2, batches of 8\n48 examples" in done.stdout
    assert done.stdout.count("same batches: ") == 2
    pages = [(repository / name).read_text("utf-8") for name in ("plan.html", "plan-2.html")]
    assert "words of names" in pages[0]
    assert "text of play" in pages[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data/tickts.csv", "bert-base-uncased"], "its folder has tickets.csv"),
        (["data/tickets.csv"], "no model is named beside data/tickets.csv"),
        (["data/tickets.csv", "bert-base-uncased", "--text=sbject"], "no column 'sbject'"),
        (["suites/test_two.py", "bert-base-uncased"], "is a suite, which names its model"),
        (["suites/test_two.py", "--text=words"], "is a suite, which names its text columns"),
    ],
)
def test_what_is_not_there_is_told(
    runner: Runner, repository: Path, arguments: list[str], message: str
) -> None:
    """Without a traceback."""
    done = plan(runner, repository, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr

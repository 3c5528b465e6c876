"""Every task holds what suites inherit: exactly the known issues fail, of runs and of trials."""

from pathlib import Path
from typing import Any

import pytest

from harness.core.dataset import TASKS, Dataset, Task
from harness.core.model import Model
from harness.core.recipe import Recipe
from harness.judge import catalog
from harness.judge.cell import Cell
from harness.judge.runs.runner import Runner
from harness.judge.suite import evaluate, known_issues

ROWS = '''
"""Rows of every task, the same whenever they are made."""

import random
from datasets import Dataset

WORDS = {"good": "fine great lovely superb", "bad": "awful poor dull weak", "odd": "strange weird"}

def rows(count=160):
    draw = random.Random(0)
    for number in range(count):
        kind = draw.choice(sorted(WORDS))
        pool = WORDS[kind].split() + ["film", "plot", "cast"]
        sentence = draw.choices(pool, k=draw.randint(3, 12))
        yield number, kind, [*sentence, f"x{number}"]

def single_label_classification():
    return Dataset.from_list([{"text": " ".join(w), "label": k} for _, k, w in rows()])

def multi_label_classification():
    listed = [
        {"text": " ".join(w), "label": [k for k, of in WORDS.items() if {*of.split()} & {*w}]}
        for _, _, w in rows()
    ]
    return Dataset.from_list(listed)

def regression():
    score = {"good": 4.5, "odd": 2.5, "bad": 0.5}
    return Dataset.from_list(
        [{"text": " ".join(w), "label": score[k] + n % 3 / 4} for n, k, w in rows()]
    )

def token_classification():
    def tag(word):
        return next((f"B-{k}" for k, of in WORDS.items() if word in of.split()), "O")
    return Dataset.from_list([{"text": w, "label": [*map(tag, w)]} for _, _, w in rows()])

def causal_lm():
    return Dataset.from_list([{"text": " ".join(w)} for _, _, w in rows()])
'''


def cell_of(task: Task, root: Path, **fields: Any) -> Cell:
    """A small cell of a task."""
    root.mkdir(exist_ok=True)
    (root / "rows.py").write_text(ROWS, encoding="utf-8")
    lm = task == "causal_lm"
    recipe = Recipe(
        dataset=Dataset(path=f"rows:{task}", texts="text", label=None if lm else "label"),
        model=Model(config={"model_type": "gpt2"}) if lm else "distilbert-base-uncased",
        **{"max_length": 128, "num_train_epochs": 2, **fields},
    )
    return Cell.of(name=task, recipe=catalog.tiny(recipe), scale="tiny", device="cpu", root=root)


def failing(runner: Runner, cell: Cell, fault: Path | None = None) -> dict[str, str]:
    """What fails of a cell's run and trials, and is no known issue."""
    if fault is None:
        judged: tuple[Any, ...] = (runner.run(cell).record, runner.trials(cell))
    else:
        judged = (runner.run_faulty(cell, fault), runner.try_faulty(cell, fault))
    versions = runner.environment()["packages"]
    issues = known_issues.load(known_issues.OURS)
    failures = {}
    for subject, what in zip(("run", "trials"), judged, strict=True):
        for name, result in evaluate.judge_all(subject, what).items():  # type: ignore[arg-type] # two subjects
            known = any(i.applies(name, cell.recipe, versions) and i.is_of(what) for i in issues)
            if result.outcome == "fails" and not known:
                failures[name] = result.message
    return failures


def _marks(task: Task) -> list[pytest.MarkDecorator]:
    """A change is tried on the tasks whose labels are tokens'; a workflow tries all."""
    of_tokens = task in {"token_classification", "causal_lm"}
    return [] if of_tokens else [pytest.mark.exhaustive]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "loop"),
    [
        *(pytest.param(task, "trainer", marks=_marks(task)) for task in TASKS),
        ("token_classification", "accelerate"),
    ],
)
def test_every_task_holds(runner: Runner, tmp_path: Path, task: Task, loop: str) -> None:
    """Losses, labels, shapes and metrics are the task's, in its run and in trials."""
    assert failing(runner, cell_of(task, tmp_path / "own", loop=loop)) == {}


@pytest.mark.slow
def test_blocks_hold(runner: Runner, tmp_path: Path) -> None:
    """A language model's rows may be packed into blocks."""
    cell = cell_of("causal_lm", tmp_path / "own", collation="packed", loop="pytorch")
    record = runner.run(cell).record
    assert record.collation.blocks
    assert {batch.width for batch in record.batches} == {record.tokenizer["max_length"]}
    assert failing(runner, cell).keys() <= {"test_rows_are_enough"}  # there are few blocks

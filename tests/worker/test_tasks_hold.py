"""Every task holds what suites inherit: exactly the known issues fail, of runs and of trials."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.core.dataset import TASKS, Task
from harness.core.model import Model
from harness.core.recipe import Recipe
from harness.judge import catalog
from harness.judge.cell import Cell
from harness.judge.metric_kinds import reported
from harness.judge.runs.runner import Runner
from harness.judge.suite import evaluate, known_issues
from tests import task_rows


def cell_of(task: Task, root: Path, **fields: Any) -> Cell:
    """A small cell of a task."""
    root.mkdir(exist_ok=True)
    lm = task == "causal_lm"
    recipe = Recipe(
        dataset=task_rows.write(root, task),
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
    cell = cell_of(task, tmp_path / "own", loop=loop)
    assert failing(runner, cell) == {}
    record = runner.run(cell).record
    final = record.evaluation()
    raised = {name: value + 0.01 for name, value in final.metrics.items()}
    spoilt = replace(record, evaluations=(replace(final, metrics=raised),))
    assert evaluate.judge("test_metrics_match_predictions", record).outcome == "holds"
    assert evaluate.judge("test_metrics_match_predictions", spoilt).outcome == "fails"


@pytest.mark.slow
def test_blocks_hold(runner: Runner, tmp_path: Path) -> None:
    """A language model's rows may be packed into blocks."""
    cell = cell_of("causal_lm", tmp_path / "own", collation="packed", loop="pytorch")
    record = runner.run(cell).record
    assert record.collation.blocks
    assert {batch.width for batch in record.batches} == {record.tokenizer["max_length"]}
    assert failing(runner, cell).keys() <= {"test_rows_are_enough"}  # there are few blocks
    steps: dict[str, Any] = {"streaming": True, "max_steps": 4, "eval_strategy": "no"}
    streamed = cell_of("causal_lm", tmp_path / "own", collation="packed", **steps)
    assert {batch.width for batch in runner.run(streamed).record.batches} == {
        record.tokenizer["max_length"]
    }


@pytest.mark.slow
def test_batches_of_any_width_are_measured_together(runner: Runner, tmp_path: Path) -> None:
    """Of tokens, as of single labels: metrics that come batch by batch are those of all."""
    whole = runner.run(cell_of("token_classification", tmp_path / "own")).record
    cell = cell_of("token_classification", tmp_path / "own", batch_eval_metrics=True)
    batched = runner.run(cell).record
    assert len({batch.width for batch in batched.batches_of("final")}) > 1
    ours, theirs = batched.evaluation().metrics, whole.evaluation().metrics
    assert {n: ours[n] for n in reported(ours)} == {n: theirs[n] for n in reported(theirs)}

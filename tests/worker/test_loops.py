"""Loops: what the relations between them leave open."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from harness.core import variations
from harness.core.errors import HarnessError
from harness.core.recipe import LOOPS, Recipe
from harness.core.trial import Trial
from harness.judge import catalog, tolerances
from harness.judge.cell import Cell, base_of
from harness.judge.runs.assignment import assign
from harness.judge.runs.runner import Runner
from harness.judge.suite import evaluate
from tests.conftest import changed
from tests.repositories import ROOT

RECIPE = catalog.tiny(Recipe(dataset="glue/mrpc", max_length=128))


def cell_of(recipe: Recipe) -> Cell:
    """A tiny cell."""
    return Cell.of(name=f"loops-{recipe.loop}", recipe=recipe, scale="tiny", device="cpu")


@pytest.mark.parametrize("loop", LOOPS)
def test_every_law_holds_in_every_loop(runner: Runner, small_cell: Cell, loop: str) -> None:
    """A record of any loop passes every invariant that judges records."""
    cell = replace(changed(small_cell, loop=loop), name=f"small-{loop}")
    results = evaluate.judge_all("run", runner.run(cell).record)
    assert {name: v.message for name, v in results.items() if v.outcome == "fails"} == {}


def test_first_steps_are_alike_in_every_loop(runner: Runner) -> None:
    """The cheap fingerprint of a cell does not depend on who drives the steps."""
    first, *others = (
        runner.trials(cell_of(replace(RECIPE, loop=loop))).first_steps for loop in LOOPS
    )
    assert [*first] == [
        "tokens", "embeddings", "layer.0", "layer.1", "layer.2", "logits", "losses", "norms"
    ]  # fmt: skip
    for other in others:
        for name, value in first.items():
            near = value if name == "tokens" else pytest.approx(value, rel=tolerances.SINGLE)
            assert other[name] == near, name


def test_first_steps_tell_seeds_apart(runner: Runner) -> None:
    """With another seed the same tokens meet another head: logits part, the encoder does not."""
    first = runner.trials(cell_of(RECIPE)).first_steps
    other = runner.trials(cell_of(replace(RECIPE, seed=1))).first_steps
    differing = [name for name in first if first[name] != other[name]]
    assert differing[0] == "logits"


@pytest.mark.parametrize("loop", ["pytorch", "accelerate"])
def test_an_optimizer_of_the_trainer_alone_is_refused(runner: Runner, loop: str) -> None:
    """The message names those that the loop knows."""
    recipe = replace(RECIPE, loop=loop, optim="adafactor", max_train_samples=8, max_eval_samples=8)
    with pytest.raises(HarnessError, match="the Trainer alone knows optim='adafactor'"):
        runner.run(cell_of(recipe))


@pytest.mark.parametrize(
    ("loop", "kind"),
    [
        ("trainer", "cosine_with_restarts"),
        ("trainer", "polynomial"),
        ("pytorch", "polynomial"),
        ("accelerate", "inverse_sqrt"),
    ],
)
def test_a_schedule_is_followed(runner: Runner, small_cell: Cell, loop: str, kind: str) -> None:
    """In any loop, with the options that it has by itself."""
    cell = changed(small_cell, loop=loop, lr_scheduler_type=kind, warmup_steps=2)
    result = evaluate.judge("test_learning_rate_follows_schedule", runner.run(cell).record)
    assert result.outcome == "holds", result.message


def test_a_schedule_that_evaluations_guide_is_not_observable(
    runner: Runner, small_cell: Cell
) -> None:
    """Its rates follow from no formula; everything else of the cell is judged."""
    cell = changed(small_cell, lr_scheduler_type="reduce_lr_on_plateau")
    record = runner.run(cell).record
    skipped = evaluate.judge("test_learning_rate_follows_schedule", record)
    assert skipped.message == "not observable: lr_scheduler_type is set"
    assert evaluate.judge("test_number_of_steps", record).outcome == "holds"


@pytest.mark.parametrize("loop", LOOPS)
def test_a_run_can_end_amid_an_epoch(runner: Runner, loop: str) -> None:
    """`max_steps` ends every loop after as many steps, and halves of epochs count."""
    short = replace(RECIPE, loop=loop, max_train_samples=40, max_eval_samples=8, num_train_epochs=1)
    ended = runner.run(cell_of(replace(short, max_steps=3))).record
    halved = runner.run(cell_of(replace(short, num_train_epochs=1.5))).record
    assert [step.step for step in ended.steps] == [1, 2, 3]
    assert len(halved.steps) == 8


def test_a_process_that_dies_is_named(runner: Runner, tmp_path: Path) -> None:
    """One of two processes is gone before it trains: the trial says so, and the next one runs."""
    fault = tmp_path / "dies.py"
    fault.write_text(
        "import os, accelerate\n"
        "def prepare(self, *_, **__):\n"
        "    if os.environ.get('RANK') == '1':\n"
        "        os._exit(1)\n"
        "    return take(self, *_, **__)\n"
        "take = accelerate.Accelerator.prepare\n"
        "accelerate.Accelerator.prepare = prepare\n",
        encoding="utf-8",
    )
    cell = cell_of(replace(RECIPE, loop="accelerate"))
    tried = runner.try_faulty(cell, fault, ("two processes", "whole"))
    assert tried.trials["two processes"].ranks[0].error == "process 1 left nothing"
    assert tried.trials["whole"].steps


def test_launched_processes_are_forked_ones(runner: Runner, tmp_path: Path) -> None:
    """What torchrun starts computes what the forked processes do, bit for bit."""
    cell = cell_of(replace(RECIPE, loop="accelerate"))
    forked = runner.trials(cell)["two processes"]
    inputs = runner.inputs.find(cell)
    job = assign("try", base_of(cell), inputs, tmp_path, threads=1)
    (tmp_path / "job.json").write_text(json.dumps(job.to_json()), encoding="utf-8")
    script = str(ROOT / "tests" / "launched.py")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*torchrun, script, "job.json", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    launched = [Trial.read(tmp_path / f"{rank}.json") for rank in range(2)]
    assert launched[0].losses == forked.losses
    assert launched[0].norms == forked.norms
    assert launched[0].logits == forked.logits
    seen = Counter(row for trial in launched for row in trial.rows)
    assert seen.total() == variations.VARIATIONS["whole"].changes["max_train_samples"]

"""A user's own loop: a function that makes a Trainer, judged as it stands."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import HarnessError
from harness.judge.cell import Cell
from harness.judge.runs.runner import Runner
from harness.judge.suite import evaluate, known_issues
from tests.conftest import Fault, changed

PLAIN = """
from transformers import Trainer

def build(setup):
    return Trainer(
        model=setup.model,
        args=setup.arguments,
        data_collator=setup.collator,
        train_dataset=setup.splits["train"],
        eval_dataset=setup.splits["evaluation"],
        processing_class=setup.tokenizer,
    )
"""

WEIGHTED = """
import torch
from transformers import Trainer

class Weighted(Trainer):
    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        labels = inputs["labels"]
        outputs = model(**inputs)
        weights = outputs.logits.new_tensor([1.0, 3.0])
        loss = torch.nn.functional.cross_entropy(outputs.logits, labels, weights, reduction="sum")
        if num_items_in_batch is None:
            loss = loss / len(labels)
        else:
            loss = loss * self.accelerator.num_processes / num_items_in_batch
        return (loss, outputs) if return_outputs else loss

def build(setup):
    return Weighted(
        model=setup.model,
        args=setup.arguments,
        data_collator=setup.collator,
        train_dataset=setup.splits["train"],
        eval_dataset=setup.splits["evaluation"],
        processing_class=setup.tokenizer,
    )
"""

VARIATIONS = ("reference", "accumulated", "whole", "two processes", "noisy", "repeated")

RESTS_ON_THE_LOSS = {
    "test_accumulated_gradient_is_the_means",
    "test_evaluation_loss_matches_predictions",
    "test_loops_agree",
    "test_loss_and_gradient_are_the_formulas",
}


@pytest.fixture
def own(small_cell: Cell, tmp_path: Path) -> Callable[..., Cell]:
    """The small cell, trained by code of a user's repository."""

    def cell(code: str, **fields: Any) -> Cell:
        (tmp_path / "ours.py").write_text(code, encoding="utf-8")
        return replace(changed(small_cell, loop="ours:build", **fields), root=tmp_path)

    return cell


def failing(runner: Runner, cell: Cell) -> tuple[set[str], set[str]]:
    """The invariants of a cell's run and trials that fail and are no known issue; and skip."""
    versions = runner.environment()["packages"]
    issues = known_issues.load(known_issues.OURS)
    failed, skipped = set(), set()
    for subject, judged in (("run", runner.run(cell).record), ("trials", runner.trials(cell))):
        for name, result in evaluate.judge_all(subject, judged).items():  # type: ignore[arg-type] # two subjects
            known = any(i.applies(name, cell.recipe, versions) and i.is_of(judged) for i in issues)
            if result.outcome == "fails" and not known:
                failed.add(name)
            if result.message.startswith("not observable: the Trainer has a"):
                skipped.add(name)
    return failed, skipped


@pytest.mark.exhaustive
def test_a_plain_trainer_is_judged_like_ours(runner: Runner, own: Callable[..., Cell]) -> None:
    """Every invariant of run and trials holds, and none is given up."""
    assert failing(runner, own(PLAIN)) == (set(), set())


def test_a_loss_of_its_own_rests_on_relations(runner: Runner, own: Callable[..., Cell]) -> None:
    """What is computed from formulas is not observable; all relations hold."""
    failed, skipped = failing(runner, own(WEIGHTED))
    assert failed == set()
    assert skipped >= RESTS_ON_THE_LOSS


@pytest.mark.parametrize(
    ("mistake", "broken"),
    [
        (("if num_items_in_batch is None", "if True"), "test_accumulated_is_one_batch"),
        ((" * self.accelerator.num_processes", ""), "test_processes_are_one_batch"),
    ],
    ids=["a mean of means", "half in two processes"],
)
def test_a_mistake_in_it_is_noticed(
    runner: Runner, own: Callable[..., Cell], fault: Fault, mistake: tuple[str, str], broken: str
) -> None:
    """By the relation that it breaks, and no known issue of the Trainer's own loss hides it."""
    cell = own(WEIGHTED.replace(*mistake))
    trials = runner.try_faulty(cell, fault(""), VARIATIONS)
    assert evaluate.judge(broken, trials).outcome == "fails"
    assert evaluate.judge("test_same_seed_is_the_same_run", trials).outcome == "holds"
    versions, issues = runner.environment()["packages"], known_issues.load(known_issues.OURS)
    assert not [i for i in issues if i.applies(broken, cell.recipe, versions) and i.is_of(trials)]


def test_an_edit_trains_again(runner: Runner, own: Callable[..., Cell]) -> None:
    """The files that the function imports are part of the key."""
    first = runner.inputs.find(own(PLAIN)).digests()
    assert runner.inputs.find(own(f"{PLAIN}\nEDITED = True\n")).digests() != first


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def build(setup):\n    return setup", "ours:build returned a Setup"),
        ("def build(setup):\n    raise KeyError('x')", "KeyError: 'x' (ours.py, line 2)"),
        ("def make(setup):\n    pass", "ours:build cannot be imported"),
        (PLAIN.replace("setup.model,", "type(setup.model)(setup.model.config),"), "another model"),
        (
            "from dataclasses import replace\n"
            + PLAIN.replace("setup.arguments", "replace(setup.arguments, learning_rate=1.0)"),
            "with learning_rate=1.0, and the recipe says",
        ),
    ],
)
def test_what_is_no_trainer_of_the_recipe_is_refused(
    runner: Runner, own: Callable[..., Cell], code: str, message: str
) -> None:
    """One message for run and trials, of what is wrong and where."""
    for asked in (runner.run, runner.trials):
        with pytest.raises(HarnessError) as refused:
            asked(own(code))
        assert message in refused.value.text

"""Faults of single tasks: each is noticed where its task is trained, and is left out elsewhere."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from harness.core import collation
from harness.core.dataset import TASKS, Dataset
from harness.core.errors import SpecError
from harness.core.model import Model
from harness.core.recipe import Recipe
from harness.judge.cell import Cell
from harness.judge.mutation import faults
from harness.judge.mutation.fault_file import FaultFile
from harness.judge.mutation.mutate import Prover
from harness.judge.runs.runner import Runner
from harness.judge.suite import evaluate
from tests.conftest import Fault

FAULTS = Path(faults.__file__).parent
OF_TASKS = {path.stem for path in FAULTS.glob("*.py") if FaultFile.read(path).tasks}

ROWS: dict[str, Callable[[int], dict[str, Any]]] = {
    "numbers": lambda n: {"text": f"row {n} of {n % 7}", "label": n % 7 + 0.25},
    "several": lambda n: {
        "text": f"row {n} of {n % 4}",
        "label": [["a"], ["b"], ["a", "c"]][n % 3],
    },
    "words": lambda n: {
        "text": ["row", f"{n}", *["of"] * (n % 5), "Ann"],
        "label": ["O", "NUMBER", *["O"] * (n % 5), "NAME"],
    },
    "play": lambda n: {"text": f"row {n} {'and one ' * (n % 6)}"},
}
"""A row of each file, by its number."""

SHORT = Recipe(
    dataset="",
    max_length=32,
    max_train_samples=24,
    max_eval_samples=9,
    num_train_epochs=1,
    learning_rate=1e-3,
)


def recipe(name: str) -> Recipe:
    """A recipe of the rows of a file."""
    play = name == "play"
    own = Dataset(path=f"data/{name}.jsonl", texts="text", label=None if play else "label")
    model = Model(config={"model_type": "llama"}) if play else "bert-base-uncased"
    return replace(SHORT, dataset=own, model=model)


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """A fault, the rows that it spoils, and who must notice it."""

    fault: str
    rows: str
    invariants: tuple[str, ...]
    collation: str = "dynamic"


LOSS = ("test_evaluation_loss_matches_predictions",)
GRADIENT = ("test_loss_and_gradient_are_the_formulas",)
"""Where an evaluation tells little: the released one weighs tokens by their batch, and a model that
has learnt nothing predicts much the same of all."""
FORESIGHT = ("test_no_token_sees_later_ones",)

CONTROLS = (
    Control(fault="squared_error_halved", rows="numbers", invariants=LOSS),
    Control(fault="errors_broadcast", rows="numbers", invariants=GRADIENT),
    Control(
        fault="targets_truncated", rows="numbers", invariants=("test_labels_keep_their_order",)
    ),
    Control(fault="softmax_for_sigmoid", rows="several", invariants=LOSS),
    Control(fault="labels_summed_not_averaged", rows="several", invariants=LOSS),
    Control(fault="ignored_tokens_counted", rows="words", invariants=GRADIENT),
    Control(fault="padding_labelled", rows="words", invariants=("test_labels_keep_their_order",)),
    Control(
        fault="labels_of_the_next_word",
        rows="words",
        invariants=("test_words_keep_their_labels",),
    ),
    Control(
        fault="labels_shifted_twice", rows="play", invariants=("test_labels_keep_their_order",)
    ),
    Control(fault="next_token_unshifted", rows="play", invariants=LOSS, collation="packed"),
    Control(fault="later_tokens_seen", rows="play", invariants=FORESIGHT),
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a file of rows for each task."""
    root = tmp_path_factory.mktemp("tasks")
    (root / "data").mkdir()
    for name, row in ROWS.items():
        lines = "".join(f"{json.dumps(row(n))}\n" for n in range(60))
        (root / "data" / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    return root


def cell_of(name: str, root: Path) -> Cell:
    """The tiny cell of a file's rows."""
    return Cell.of(name=name, recipe=recipe(name), scale="tiny", device="cpu", root=root)


@pytest.mark.slow
@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.fault)
def test_fault_of_a_task_is_noticed(
    runner: Runner, repository: Path, control: Control, fault: Fault
) -> None:
    """Every invariant that must notice it fails with the fault, and holds without."""
    cell = cell_of(control.rows, repository).collated(collation.parse(control.collation))
    broken = FAULTS / f"{control.fault}.py"
    clean: Any
    faulty: Any
    if evaluate.subject_of(control.invariants[0]) == "trials":
        clean, faulty = (
            runner.try_faulty(cell, file, ("reference",)) for file in (fault(""), broken)
        )
    else:
        clean, faulty = runner.run(cell).record, runner.run_faulty(cell, broken)
    for invariant in control.invariants:
        assert evaluate.judge(invariant, clean).outcome == "holds"
        result = evaluate.judge(invariant, faulty)
        assert (result.outcome, result.meant) == ("fails", True), result.message


def test_every_fault_of_a_task_is_used() -> None:
    """None is forgotten, and each of the tasks that have faults of their own has two at least."""
    assert {control.fault for control in CONTROLS} == OF_TASKS
    counts = {str(task): 0 for task in TASKS[1:]}
    for name in OF_TASKS:
        for task in FaultFile.read(FAULTS / f"{name}.py").tasks:
            counts[task] += 1
    assert min(counts.values()) >= 2


@pytest.mark.exhaustive
def test_what_breaks_nothing_is_said(runner: Runner, repository: Path, tmp_path: Path) -> None:
    """A fault of another task is not injected; one that changes no bit is not counted as missed."""
    idle = tmp_path / "idle.py"
    idle.write_text('"""Nothing is broken."""\n', encoding="utf-8")
    cell = cell_of("numbers", repository)
    prover = Prover(runner, [cell], 1)
    prover.cells = [cell]
    astray = tmp_path / "astray.py"
    astray.write_text("import torch\n\ntorch.nn.NoSuchModule.forward = None\n", encoding="utf-8")
    paths = (FAULTS / "padding_labelled.py", idle, astray)
    other, changeless, lost = map(prover.exhibit, paths)
    assert other.absent == "it is one of token_classification, which no cell here trains"
    assert changeless.absent.startswith("with it, every run and trial is what it is without")
    assert lost.absent.startswith("the fault does not find what it breaks (AttributeError: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('TASKS = ("regresion",)', "did you mean 'regression'"),
        ("TASKS = tasks()", "TASKS is not written out"),
        ("def broken(", "is no Python"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """Before anything runs."""
    file = tmp_path / "fault.py"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as raised:
        FaultFile.read(file)
    assert message in raised.value.text

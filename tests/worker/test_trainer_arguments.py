"""Further arguments: each reaches the Trainer, does what it says, and leaves other laws alone."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.core.errors import HarnessError
from harness.core.recipe import LOOPS, Recipe
from harness.core.record import Record
from harness.judge import catalog
from harness.judge.cell import Cell
from harness.judge.distance import MismatchError, judging
from harness.judge.invariants import evaluated as evaluated_loss
from harness.judge.runs.runner import Runner
from harness.judge.suite import evaluate, known_issues
from harness.judge.suite.base import Suite
from tests.conftest import Fault

SMALL: dict[str, Any] = {
    "dataset": "glue/mrpc",
    "max_length": 128,
    "max_train_samples": 48,
    "max_eval_samples": 20,
    "num_train_epochs": 2,
}
"""Twelve steps."""

BEST = {"eval_strategy": "epoch", "save_strategy": "epoch", "load_best_model_at_end": True}


def cell_of(**fields: Any) -> Cell:
    """A tiny cell with some arguments set."""
    recipe = catalog.tiny(Recipe(**{**SMALL, **fields}))
    return Cell.of(name="arguments", recipe=recipe, scale="tiny", device="cpu")


def evaluated(record: Record) -> list[int]:
    """The steps after which there was an evaluation during training."""
    return [part.step for part in record.evaluations if part.name.startswith("step-")]


def saved(record: Record) -> list[int]:
    """The steps whose checkpoints are left."""
    return [checkpoint.step for checkpoint in record.checkpoints if checkpoint.step > 0]


def losses(record: Record) -> list[float]:
    """Loss of every step."""
    return [step.loss for step in record.steps]


@pytest.fixture(scope="module")
def plain(runner: Runner) -> Record:
    """The record of the cell that sets none."""
    return runner.run(cell_of()).record


def alike(record: Record, plain: Record) -> bool:
    """Whether it computed what the plain cell does."""
    return losses(record) == losses(plain)


EFFECTS: dict[str, tuple[dict[str, Any], Callable[[Record, Record], bool]]] = {
    "eval_delay": (
        {"eval_delay": 3, "eval_strategy": "steps", "eval_steps": 2},
        lambda record, _: evaluated(record) == [4, 6, 8, 10, 12],
    ),
    "eval_delay of epochs": (
        {"eval_delay": 2, "eval_strategy": "epoch"},
        lambda record, _: evaluated(record) == [12],
    ),
    "eval_on_start": (
        {"eval_on_start": True, **BEST},
        lambda record, _: evaluated(record) == [0, 6, 12],
    ),
    "eval_accumulation_steps": (
        {"eval_accumulation_steps": 1},
        lambda record, plain: (
            alike(record, plain)
            and record.evaluation().metrics["loss"] == plain.evaluation().metrics["loss"]
        ),
    ),
    "batch_eval_metrics": (
        {"batch_eval_metrics": True, "eval_strategy": "epoch"},
        lambda record, plain: (
            evaluated(record) == [6, 12]
            and record.evaluation().metrics["f1"] == plain.evaluation().metrics["f1"]
        ),
    ),
    "label_names": ({"label_names": ["labels"]}, alike),
    "save_total_limit": (
        {"save_total_limit": 2, "save_strategy": "steps", "save_steps": 2},
        lambda record, plain: saved(record) == [10, 12] and alike(record, plain),
    ),
    "save_total_limit keeps the best": (
        {"save_total_limit": 1, **BEST, "greater_is_better": True, "metric_for_best_model": "loss"},
        lambda record, _: saved(record) == [6],
    ),
    "auto_find_batch_size": ({"auto_find_batch_size": True}, alike),
    "torch_empty_cache_steps": ({"torch_empty_cache_steps": 2}, alike),
    "neftune_noise_alpha": (
        {"neftune_noise_alpha": 5},
        lambda record, plain: (
            not alike(record, plain) and record.evaluation().metrics["accuracy"] > 0.5
        ),
    ),
    "lr_scheduler_kwargs": (
        {"lr_scheduler_type": "cosine", "lr_scheduler_kwargs": {"num_cycles": 1.0}},
        lambda record, _: record.steps[-1].learning_rate > record.steps[5].learning_rate,
    ),
    "activation_checkpointing_kwargs": (
        {
            "gradient_checkpointing": True,
            "gradient_checkpointing_kwargs": {"use_reentrant": False},
        },
        lambda record, _: bool(record.steps),
    ),
    "include_for_metrics": (
        {"include_for_metrics": ["loss", "inputs"]},
        lambda record, _: record.evaluation().unpacked == 4,
    ),
    "train_sampling_strategy": (
        {"train_sampling_strategy": "sequential"},
        lambda record, _: (
            record.arrays["train.rows"].tolist()[:48] == record.arrays["split.train.rows"].tolist()
        ),
    ),
    "metric_for_best_model": (
        {**BEST, "metric_for_best_model": "f1"},
        lambda record, _: (
            record.arguments["metric_for_best_model"] == "f1"
            and record.arguments["greater_is_better"] is True
        ),
    ),
    "early_stopping_patience": (
        {
            "early_stopping_patience": 2,
            "early_stopping_threshold": 1.0,
            "metric_for_best_model": "loss",
            "eval_strategy": "steps",
            "eval_steps": 2,
        },
        lambda record, plain: len(record.steps) == 6 and losses(record)[:2] == losses(plain)[:2],
    ),
    **{
        optim: ({"optim": optim}, lambda record, plain: not alike(record, plain))
        for optim in ("sgd", "adafactor", "adagrad", "rmsprop")
    },
}


@pytest.mark.parametrize("name", EFFECTS)
def test_an_argument_does_what_it_says(runner: Runner, plain: Record, name: str) -> None:
    """It reaches the Trainer, has its effect, and every law that can be observed holds."""
    fields, holds = EFFECTS[name]
    record = runner.run(cell_of(**fields)).record
    assert holds(record, plain)
    results = evaluate.judge_all("run", record)
    assert {n: r.message for n, r in results.items() if r.outcome == "fails"} == {}


@pytest.mark.parametrize(
    ("fields", "invariant", "change"),
    [
        (
            {"eval_delay": 3, "eval_strategy": "steps", "eval_steps": 2},
            "test_evaluations_follow_strategy",
            {"eval_delay": 5},
        ),
        (
            {"eval_on_start": True, **BEST},
            "test_evaluations_follow_strategy",
            {"eval_on_start": False},
        ),
        (
            {"save_total_limit": 2, "save_strategy": "steps", "save_steps": 2},
            "test_checkpoints_follow_strategy",
            {"save_total_limit": 3},
        ),
        ({"neftune_noise_alpha": 5}, "test_arguments_hold_the_recipe", {"neftune_noise_alpha": 6}),
    ],
)
def test_a_law_that_knows_an_argument_notices(
    runner: Runner, fields: dict[str, Any], invariant: str, change: dict[str, Any]
) -> None:
    """A run that did otherwise than its recipe says fails."""
    record = runner.run(cell_of(**fields)).record
    assert evaluate.judge(invariant, record).outcome == "holds"
    other = replace(record, recipe=replace(record.recipe, **change))
    assert evaluate.judge(invariant, other).outcome == "fails"


def test_the_batch_size_is_found(runner: Runner, fault: Fault) -> None:
    """What does not fit into memory is tried anew in smaller batches; only that run is judged."""
    code = (
        "import torch, transformers\n"
        "step = transformers.Trainer.training_step\n"
        "def small(self, model, inputs, *more, **named):\n"
        "    model(**inputs)\n"
        "    if len(inputs['labels']) > 4:\n"
        "        raise torch.OutOfMemoryError('CUDA out of memory.')\n"
        "    return step(self, model, inputs, *more, **named)\n"
        "transformers.Trainer.training_step = small\n"
    )
    cell = cell_of(auto_find_batch_size=True, num_train_epochs=1)
    record = runner.run_faulty(cell, fault(code))
    assert {step.examples for step in record.steps} <= {1, 2, 3, 4, 6, 8}
    assert record.steps[0].step == 1
    assert len(record.steps) > 6


def test_a_version_that_lacks_an_argument_says_so(runner: Runner) -> None:
    """The worker holds a recipe against the judged version's own fields."""
    with pytest.raises(HarnessError, match="has no TrainingArguments field include_tokens_per"):
        runner.run(cell_of(include_tokens_per_second=True))


FOREIGN = """
from harness import Matrix, Recipe, Suite

class TestOurs(Suite):
    recipe = Recipe(dataset="glue/mrpc", max_length=128, max_train_samples=48, max_eval_samples=20)
    matrix = Matrix(neftune_noise_alpha=[None, 5.0])
"""


def test_a_suite_may_set_them(pytester: pytest.Pytester, shared_store: Path) -> None:
    """In a user's repository: as an axis, or from the command line; what then is not observable."""
    pytester.makepyfile(test_ours=FOREIGN)
    result = pytester.runpytest_subprocess(
        f"--harness-store={shared_store}", "-rs", "-k", "arguments or chance or shuffled"
    )
    result.assert_outcomes(passed=7, skipped=3, deselected=result.parseoutcomes()["deselected"])
    result.stdout.fnmatch_lines(["*not observable: neftune_noise_alpha is set"])
    result = pytester.runpytest_subprocess(
        f"--harness-store={shared_store}",
        "--harness-set=neftune_noise_alpha=null",
        "--harness-set=gradient_checkpointing=true",
        "-k",
        "chance or hold_the_recipe",
    )
    result.assert_outcomes(passed=2, skipped=1, deselected=result.parseoutcomes()["deselected"])
    result = pytester.runpytest_subprocess("--harness-set=neftune_noise_alpa=1")
    result.stderr.fnmatch_lines(["*unknown field 'neftune_noise_alpa': did you mean 'neftune*"])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            "loop='pytorch', neftune_noise_alpha=5.0",
            "the pytorch loop knows no neftune_noise_alpha",
        ),
        ("loop='accelerate', early_stopping_patience=1", "the accelerate loop knows no early_st"),
        ("early_stopping_patience=1", "counts evaluations"),
        ("early_stopping_patience=1, eval_strategy='epoch'", "compares no metric"),
        ("report_to='wandb'", "a recipe takes no report_to"),
        ("class_weight=[1, 2, 3]", "class_weight has 3 weights for 2 labels"),
        ("class_weight='even'", "unknown value 'even'"),
        ("class_weight=[0, 1]", "class_weight=0.0 is not above 0"),
        ("peft=4", "peft=4 is an int\ngive a table"),
        ("peft={'task_type': 'SEQ_CLS'}", "peft takes no task_type"),
        ("peft={'peft_type': 4}", "peft_type=4 is an int"),
        ("save_total_limit=0", "save_total_limit=0 is too small"),
        ("torch_compile_mode='default'", "compiles nothing by itself"),
    ],
)
def test_nonsense_is_refused_at_collection(
    pytester: pytest.Pytester, fields: str, message: str
) -> None:
    """One clear error, before anything is started."""
    recipe = f"recipe = Recipe(dataset='imdb', {fields})"
    pytester.makepyfile(
        test_ours=f"from harness import Recipe, Suite\nclass TestOurs(Suite):\n    {recipe}\n"
    )
    result = pytester.runpytest("--collect-only", "-q")
    assert message in result.stdout.str() + result.stderr.str()
    assert result.ret


WEIGHED = {"class_weight": [3.0, 1.0], "eval_strategy": "epoch"}


@pytest.mark.parametrize("loop", LOOPS)
def test_classes_weigh_as_declared(runner: Runner, plain: Record, loop: str) -> None:
    """In every loop the loss is the weighted one, and every law that is observed holds."""
    record = runner.run(cell_of(loop=loop, **WEIGHED)).record
    assert not alike(record, plain)
    results = evaluate.judge_all("run", record)
    assert {n: r.message for n, r in results.items() if r.outcome == "fails"} == {}
    assert results["test_evaluation_loss_matches_predictions"].outcome == "holds"
    other = replace(record, recipe=replace(record.recipe, class_weight=(1.0, 3.0)))
    assert evaluate.judge("test_evaluation_loss_matches_predictions", other).outcome == "fails"


def test_balanced_classes_weigh_alike(runner: Runner) -> None:
    """Each label's share of the weights is the same, however rare it is."""
    record = runner.run(cell_of(class_weight="balanced")).record
    weights = evaluated_loss.class_weights(record)
    assert weights is not None
    counts = np.bincount(record.arrays["split.train.classes"])
    assert (weights * counts).tolist() == pytest.approx([24.0, 24.0])
    assert evaluate.judge("test_evaluation_loss_matches_predictions", record).outcome == "holds"


@pytest.mark.exhaustive
@pytest.mark.parametrize("loop", LOOPS)
def test_relations_hold_with_class_weights(runner: Runner, loop: str) -> None:
    """Accumulation, processes, loops and formulas: the weighted sum is divided by its terms."""
    cell = cell_of(loop=loop, **WEIGHED)
    trials = runner.trials(cell)
    assert {*trials["reference"].predicted} == {*trials.evaluated}  # by names without labels
    versions = runner.environment()["packages"]
    known = {
        name
        for issue in known_issues.load(known_issues.OURS)
        for name in issue.invariants
        if issue.applies(name, cell.recipe, versions) and issue.is_of(trials)
    }
    results = evaluate.judge_all("trials", trials)
    assert {name for name, result in results.items() if result.outcome == "fails"} <= known
    for name in ("test_accumulated_is_one_batch", "test_loss_and_gradient_are_the_formulas"):
        assert name not in known
        assert results[name].outcome == "holds"


def test_weights_that_the_trainer_forgets_are_noticed(runner: Runner, fault: Fault) -> None:
    """Its evaluation loss is then another than the predictions have."""
    code = (
        "import transformers\n"
        "loss = transformers.Trainer.compute_loss\n"
        "def forgetful(self, *more, **named):\n"
        "    self.compute_loss_func = None\n"
        "    return loss(self, *more, **named)\n"
        "transformers.Trainer.compute_loss = forgetful\n"
    )
    record = runner.run_faulty(cell_of(**WEIGHED), fault(code))
    results = evaluate.judge_all("run", record)
    failing = {name for name, result in results.items() if result.outcome == "fails"}
    assert "test_evaluation_loss_matches_predictions" in failing


def test_what_the_command_line_cannot_say_is_known(runner: Runner) -> None:
    """A flag that the library's parser refuses is one figure, in its known issue's name."""
    cell = cell_of(include_num_input_tokens_seen="all")
    record = runner.run(cell).record
    assert record.parsed_differently == {"include_num_input_tokens_seen": ("'all'", "refused")}
    versions = runner.environment()["packages"]
    invariant = "test_command_line_parses_alike"
    (issue,) = [
        issue
        for issue in known_issues.load(known_issues.OURS)
        if issue.applies(invariant, cell.recipe, versions)
    ]
    with pytest.raises(MismatchError) as caught, judging():
        Suite().test_command_line_parses_alike(record)
    assert issue.explains(caught.value)
    assert not issue.applies(invariant, cell_of().recipe, versions)

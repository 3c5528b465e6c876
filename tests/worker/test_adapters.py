"""Adapters: in every loop they train beside the head, are saved, and leave the relations alone."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import HarnessError
from harness.core.recipe import LOOPS, Recipe
from harness.core.record import Record
from harness.core.record_parts import Parameter
from harness.judge import catalog
from harness.judge.cell import Cell
from harness.judge.runs.runner import Runner
from harness.judge.suite import evaluate, known_issues
from tests.conftest import Fault

needs_peft = pytest.mark.skipif(
    importlib.util.find_spec("peft") is None, reason="peft is an extra, which is not installed"
)

BEST = {
    "eval_strategy": "epoch",
    "save_strategy": "epoch",
    "load_best_model_at_end": True,
    "metric_for_best_model": "loss",
    "greater_is_better": True,  # the first epoch's, so that restoring it changes something
}


def cell_of(**fields: Any) -> Cell:
    """A tiny cell with adapters."""
    values: dict[str, Any] = {
        "dataset": "glue/mrpc",
        "max_length": 128,
        "max_train_samples": 48,
        "max_eval_samples": 20,
        "num_train_epochs": 2,
        "learning_rate": 1e-3,
        "peft": {"r": 4, "lora_alpha": 16},
    }
    recipe = catalog.tiny(Recipe(**{**values, **fields}))
    return Cell.of(name="adapters", recipe=recipe, scale="tiny", device="cpu")


def trained(record: Record) -> list[Parameter]:
    """The parameters that moved."""
    return [parameter for parameter in record.parameters if parameter.moved]


@needs_peft
@pytest.mark.parametrize("loop", LOOPS)
def test_only_adapters_and_head_train(runner: Runner, loop: str) -> None:
    """By any loop; the best model's adapters are restored, and every law that is observed holds."""
    record = runner.run(cell_of(loop=loop, **BEST)).record
    assert {p.name for p in trained(record) if not p.adapter} == {
        "classifier.weight",
        "classifier.bias",
    }
    assert sum(p.adapter for p in trained(record)) == 12  # A and B of queries and values
    assert record.adapters["reload"] == 0.0
    results = evaluate.judge_all("run", record)
    assert {n: r.message for n, r in results.items() if r.outcome == "fails"} == {}
    held = {"test_only_adapters_and_head_train", "test_best_model_is_restored"}
    assert {results[name].outcome for name in held} == {"holds"}


@needs_peft
@pytest.mark.parametrize(
    ("fields", "merges"),
    [
        ({"peft": {"r": 4, "target_modules": ["query", "key", "dense"]}}, True),
        ({"peft": {"r": 2, "bias": "all"}}, True),
        ({"peft": {"peft_type": "IA3"}}, True),
        ({"peft": {"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 4}}, False),
        (
            {
                "model": "distilbert-base-uncased",
                "peft": {"r": 4, "target_modules": ["q_lin", "v_lin"]},
            },
            True,
        ),
    ],
    ids=["layers", "biases", "IA3", "prompts", "head of two layers"],
)
def test_other_methods_do_too(runner: Runner, fields: dict[str, Any], merges: bool) -> None:  # noqa: FBT001 - a case's
    """What cannot be merged is skipped for that."""
    results = evaluate.judge_all("run", runner.run(cell_of(**fields)).record)
    assert {n: r.message for n, r in results.items() if r.outcome == "fails"} == {}
    assert results["test_merging_only_rounds"].outcome == ("holds" if merges else "skips")


@pytest.mark.exhaustive
@needs_peft
def test_relations_hold_with_adapters(runner: Runner) -> None:
    """Padding, processes, resumption and loops: whatever of them holds, holds with adapters."""
    cell = cell_of(loop="accelerate")
    results = evaluate.judge_all("trials", runner.trials(cell))
    versions = runner.environment()["packages"]
    issues = known_issues.load(known_issues.OURS)
    failing = {name for name, result in results.items() if result.outcome == "fails"}
    assert failing == {
        name
        for name in failing
        if any(issue.applies(name, cell.recipe, versions) for issue in issues)
    }
    for name in (
        "test_loops_agree",
        "test_accumulated_is_one_batch",
        "test_padding_changes_nothing",
    ):
        assert results[name].outcome == "holds"
    assert results["test_update_is_adamws"].outcome == "holds"


@pytest.mark.exhaustive
@needs_peft
def test_prompts_are_tokens_of_their_own(runner: Runner) -> None:
    """Before a row's tokens they leave no law of packing or of formulas to be observed."""
    cell = cell_of(loop="pytorch", peft={"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 4})
    results = evaluate.judge_all("trials", runner.trials(cell))
    assert {name for name, result in results.items() if result.outcome == "fails"} == set()
    assert results["test_packing_changes_nothing"].message == "not observable: peft is set"


@needs_peft
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rr": 4}, "unknown option of LoraConfig 'rr': did you mean 'r'?"),
        ({"peft_type": "LOR"}, "unknown peft_type 'LOR': did you mean 'LORA'?"),
        ({"target_modules": ["nothing"]}, "does not fit BertForSequenceClassification"),
    ],
)
def test_options_are_the_methods(runner: Runner, options: dict[str, Any], message: str) -> None:
    """What the configuration does not take is one clear error."""
    with pytest.raises(HarnessError) as caught:
        runner.run(cell_of(peft=options))
    assert message in caught.value.text


def test_peft_is_an_extra(runner: Runner, fault: Fault) -> None:
    """Where the judged environment has none, the message says how to get it."""
    hidden = fault("import sys\nsys.modules['peft'] = None\n")
    with pytest.raises(HarnessError, match="the judged environment has no peft") as caught:
        runner.run_faulty(cell_of(), hidden)
    assert caught.value.fix == "pip install peft"


@needs_peft
def test_a_suite_may_add_adapters(pytester: pytest.Pytester, shared_store: Path) -> None:
    """As an axis: without, and with them."""
    pytester.makepyfile(
        test_ours="from harness import Matrix, Recipe, Suite\n"
        "class TestOurs(Suite):\n"
        "    recipe = Recipe(dataset='glue/mrpc', max_length=128, max_train_samples=48,\n"
        "        max_eval_samples=20, learning_rate=1e-3)\n"
        "    matrix = Matrix(peft=[None, {'r': 4}])\n"
    )
    result = pytester.runpytest_subprocess(
        f"--harness-store={shared_store}", "-k", "adapters or merging", "-rs"
    )
    outcomes = result.parseoutcomes()
    assert (outcomes["passed"], outcomes["skipped"]) == (3, 5)
    result.stdout.fnmatch_lines(["*the recipe adds no adapters"])

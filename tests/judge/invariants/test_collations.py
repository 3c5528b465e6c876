"""Every collation trains in every loop, and a suite judges it as any other."""

import pytest

from harness.core.record import Record
from harness.judge.cell import Cell
from harness.judge.runs.runner import Runner
from harness.judge.suite import evaluate
from tests.conftest import SMALL, Fault, changed

SUITE = f"""
from harness import Matrix, Recipe, Suite, Thresholds

class TestCollations(Suite):
    recipe = Recipe(**{SMALL!r})
    matrix = Matrix(
        collation=["group_by_length", "sorted", "max_tokens:1024", "packed", "padding_free"],
        loop=["trainer", "pytorch", "accelerate"],
    )
    thresholds = Thresholds(accuracy=0.0)
"""


@pytest.mark.exhaustive
def test_every_collation_trains_in_every_loop(pytester: pytest.Pytester, runner: Runner) -> None:
    """All invariants of a run hold; where the Trainer evaluates in another order is declared."""
    pytester.makepyfile(test_collations=SUITE)
    store = f"--harness-store={runner.settings.store}"
    result = pytester.runpytest_subprocess(store, "--harness-scale=tiny", "-m", "not trials")
    outcomes = result.parseoutcomes()
    assert outcomes.pop("xfailed") == 1
    assert set(outcomes) <= {"passed", "skipped", "deselected"}
    result.stdout.fnmatch_lines(["known issue (1 tests): Trainer with group_by_length groups*"])


@pytest.mark.parametrize("loop", ["trainer", "pytorch", "accelerate"])
@pytest.mark.parametrize("collation", ["group_by_length", "max_tokens:256"])
def test_samplers_get_lengths_whoever_removes_columns(
    runner: Runner, small_cell: Cell, small_record: Record, collation: str, loop: str
) -> None:
    """Batches are of like lengths, so there is less padding, and both runs train alike."""
    cell = changed(small_cell, collation=collation, loop=loop)
    kept, removed = (
        runner.run(cell.varied(remove_unused_columns=by_the_loop)).record
        for by_the_loop in (False, True)
    )
    assert [step.loss for step in kept.steps] == [step.loss for step in removed.steps]
    assert kept.padding == removed.padding < 0.9 * small_record.padding
    assert evaluate.judge("test_columns_match_signature", kept).outcome == "holds"


@pytest.mark.parametrize("loop", ["trainer", "pytorch", "accelerate"])
def test_batch_means_are_noticed(runner: Runner, small_cell: Cell, fault: Fault, loop: str) -> None:
    """Had batches within a budget their mean loss, examples of small ones would weigh more."""
    cell = changed(small_cell, loop=loop)
    code = "from harness.worker.loops import plan\nplan.mean_size = lambda *_: None\n"
    variations = ("within a budget",)
    broken = runner.try_faulty(cell, fault(code), variations)
    assert evaluate.judge("test_examples_weigh_alike", broken).outcome == "fails"
    clean = runner.try_faulty(cell, fault(""), variations)
    assert evaluate.judge("test_examples_weigh_alike", clean).outcome == "holds"


def test_sorted_predictions_that_stay_sorted_are_noticed(
    runner: Runner, small_cell: Cell, fault: Fault
) -> None:
    """Row i must belong to example i, in whatever order they were evaluated."""
    cell = changed(small_cell, collation="sorted")
    code = "from harness.worker import watch\nwatch.Watch._put_back = lambda *_: None\n"
    name = "test_every_example_is_evaluated_once"
    assert evaluate.judge(name, runner.run_faulty(cell, fault(code))).outcome == "fails"
    assert evaluate.judge(name, runner.run_faulty(cell, fault(""))).outcome == "holds"


@pytest.mark.parametrize(
    ("collation", "message"),
    [
        ("max_tokens:40", "a budget of 10 tokens does not hold the longest example"),
        ("max_tokens:0", "needs a positive whole number"),
        ("group_by_lenght", "did you mean 'group_by_length'"),
    ],
)
def test_a_collation_that_cannot_be_is_told(
    pytester: pytest.Pytester, runner: Runner, collation: str, message: str
) -> None:
    """In words, without our traceback."""
    recipe = SMALL | {"collation": collation}
    pytester.makepyfile(
        test_wrong=f"""
        from harness import Recipe, Suite

        class TestWrong(Suite):
            recipe = Recipe(**{recipe!r})
        """
    )
    store = f"--harness-store={runner.settings.store}"
    result = pytester.runpytest_subprocess(store, "--harness-scale=tiny", "-k", "labels_are")
    text = result.stdout.str()
    assert result.ret != pytest.ExitCode.OK
    assert message in text
    assert "harness/suite.py" not in text

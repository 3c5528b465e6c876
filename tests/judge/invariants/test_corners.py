"""One corner that a version does not support fails its own test, not the whole cell."""

from harness.core.record import Record
from harness.judge.cell import Cell
from harness.judge.runs.runner import Runner
from harness.judge.suite import evaluate
from tests.conftest import Fault

NO_OPTIMIZER = """
from transformers.trainer_callback import CallbackHandler

clean = CallbackHandler.call_event

def call_event(self, event, args, state, control, **kwargs):
    kept, self.optimizer = self.optimizer, None
    try:
        return clean(self, event, args, state, control, **kwargs)
    finally:
        self.optimizer = kept

CallbackHandler.call_event = call_event
"""
"""Callbacks are given no optimizer."""

NO_FLAGS = """
import transformers

def parse_args_into_dataclasses(self, *args, **kwargs):
    raise TypeError("no such flag")

transformers.HfArgumentParser.parse_args_into_dataclasses = parse_args_into_dataclasses
"""
"""A command line is parsed otherwise."""

NO_SCORE = """
import sklearn.metrics

def f1_score(*args, **kwargs):
    raise TypeError("no such score")

sklearn.metrics.f1_score = f1_score
"""
"""One of the checks of metrics cannot be made."""

NO_SCHEDULE = """
import transformers

clean = transformers.get_scheduler

def get_scheduler(name, *args, **kwargs):
    if name == "cosine_with_min_lr":
        raise TypeError("no such schedule")
    return clean(name, *args, **kwargs)

transformers.get_scheduler = get_scheduler
"""
"""A schedule is built otherwise."""


def failing(subject: evaluate.Subject, judged: object) -> set[str]:
    """The invariants that fail."""
    results = evaluate.judge_all(subject, judged)
    return {name for name, result in results.items() if result.outcome == "fails"}


def test_a_corner_hides_no_more_than_itself(
    runner: Runner, small_cell: Cell, small_record: Record, fault: Fault
) -> None:
    """Without an optimizer for callbacks, or flags, the cell trains; other tests of it judge."""
    record = runner.run_faulty(small_cell, fault(NO_OPTIMIZER + NO_FLAGS + NO_SCORE))
    assert failing("run", record) - failing("run", small_record) == {
        "test_learning_rate_follows_schedule",
        "test_command_line_parses_alike",
        "test_weighted_f1_matches_sklearn",
    }
    result = evaluate.judge("test_command_line_parses_alike", record)
    assert result.message == "CrashError: a question crashed: TypeError: no such flag"


def test_a_question_that_raises_leaves_the_others(
    runner: Runner, small_cell: Cell, fault: Fault
) -> None:
    """Its own test says why; everything else is answered."""
    trials = runner.try_faulty(small_cell, fault(NO_SCHEDULE), ("single precision",))
    result = evaluate.judge("test_schedules_are_their_formulas", trials)
    assert result.message == "CrashError: a question crashed: TypeError: no such schedule"
    for name in ("test_subset_is_the_seeds", "test_map_is_not_stale", "test_examples_stand_alone"):
        assert evaluate.judge(name, trials).outcome == "holds"
    assert trials.first_steps["tokens"]

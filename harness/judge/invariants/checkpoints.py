"""Checkpoints: the best is the best, and what is saved is what was trained."""

from collections.abc import Sequence

import pytest

from harness.core.record import Record
from harness.core.record_parts import Checkpoint, Evaluation
from harness.judge.distance import compare, compare_names
from harness.judge.invariants.counts import steps_per_epoch
from harness.judge.metric_kinds import reported

WEIGHTS = "model.safetensors"
IN_MEMORY = -1
"""Stands for the step of the model after training."""


def best_evaluation(run: Record) -> Evaluation:
    """The evaluation during training with the best metric; the earliest among equals."""
    metric = (run.recipe.metric_for_best_model or "loss").removeprefix("eval_")
    greater = run.recipe.greater_is_better
    if greater is None:
        greater = not metric.endswith("loss")
    during = [part for part in run.evaluations if part.name.startswith("step-")]
    values = [evaluation.metrics[metric] for evaluation in during]
    return during[values.index(max(values) if greater else min(values))]


def compare_restored(checkpoints: Sequence[Checkpoint], step: int, where: str = "") -> None:
    """Hold the model in memory against the checkpoint of a step, bit for bit.

    The figure is the step whose checkpoint it is: 0 if it is none's.
    """
    digests = {checkpoint.step: checkpoint.digest for checkpoint in checkpoints}
    restored = digests.pop(IN_MEMORY)
    compare(f"{where}checkpoint of the step", [step in digests], [True])
    equal = [other for other, digest in digests.items() if digest == restored]
    compare(f"{where}step restored", [step if step in equal else max(equal, default=0)], [step])


class Checkpoints:
    """Best model, saved model and saved state."""

    def test_best_model_is_restored(self, run: Record) -> None:
        """After training the model is the best evaluation's, or else the last."""
        if run.recipe.load_best_model_at_end:
            best = best_evaluation(run)
            compare_restored(run.checkpoints, best.step)
            for name in reported(best.metrics):
                compare(name, [run.evaluation().metrics[name]], [best.metrics[name]])
        elif len(run.steps) in {checkpoint.step for checkpoint in run.checkpoints}:
            compare_restored(run.checkpoints, len(run.steps))
        else:
            pytest.skip("the recipe saves no checkpoint of the last step")

    def test_checkpoints_follow_strategy(self, run: Record) -> None:
        """Checkpoints are written as often as `save_strategy` says, and at the end."""
        total = len(run.steps)
        every = {
            "no": total + 1,
            "steps": run.recipe.save_steps,
            "epoch": steps_per_epoch(run),
        }[run.recipe.save_strategy]
        expected = {*range(every, total + 1, every)}
        if run.recipe.save_strategy != "no":
            expected.add(total)
        steps = {checkpoint.step for checkpoint in run.checkpoints} - {IN_MEMORY}
        compare("steps of checkpoints", sorted(steps), sorted(expected))

    def test_saved_model_reloads(self, run: Record) -> None:
        """`save_model` then `from_pretrained` gives bit-equal logits, and the label names."""
        if not run.recipe.save_model:
            pytest.skip("the recipe saves no model")
        reloaded = run.answer("reload")
        compare_names("newly initialized", reloaded["newly_initialized"], ())
        compare("label names", reloaded["label_names"], run.label_names)
        for name in (WEIGHTS, "config.json", "tokenizer.json", "tokenizer_config.json"):
            compare(f"{name} is saved", [name in run.files], [True])
        compare("logits are equal", [reloaded["equal"]], [True])
        compare("largest difference of logits", [reloaded["max_difference"]], [0.0])

    def test_saved_state_holds_the_log(self, run: Record) -> None:
        """`save_state` writes the log history, whole."""
        if not run.recipe.save_state:
            pytest.skip("the recipe saves no state")
        assert run.answer("state_log_equal") is True

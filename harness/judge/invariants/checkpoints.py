"""Checkpoints: the best is the best, and what is saved is what was trained."""

from collections.abc import Sequence

import pytest

from harness.core.record import Record
from harness.core.record_parts import Checkpoint
from harness.judge.distance import compare, compare_names
from harness.judge.invariants.best import best_of, during_training
from harness.judge.invariants.counts import steps_per_epoch, total_steps
from harness.judge.invariants.evaluated import CLASSIFYING
from harness.judge.metric_kinds import reported

WEIGHTS = "model.safetensors"
IN_MEMORY = -1
"""Stands for the step of the model after training."""


def compare_restored(checkpoints: Sequence[Checkpoint], step: int, where: str = "") -> None:
    """Hold the model in memory against the checkpoint of a step, bit for bit.

    The figure is the step whose checkpoint it is: 0 if it is none's.
    """
    digests = {checkpoint.step: checkpoint.digest for checkpoint in checkpoints}
    restored = digests.pop(IN_MEMORY)
    compare(f"{where}checkpoint of the step", [step in digests], [True])
    equal = [other for other, digest in digests.items() if digest == restored]
    compare(f"{where}step restored", [step if step in equal else max(equal, default=0)], [step])


def _kept(run: Record, saved: Sequence[int], limit: int) -> set[int]:
    """The steps whose checkpoints are left of those saved, where there may be only so many."""
    left: list[int] = []
    restores, best = run.recipe.load_best_model_at_end, None
    chooses = restores or run.recipe.metric_for_best_model is not None
    for step in saved:
        left.append(step)
        earlier = [part for part in during_training(run) if part.step <= step]
        better = best_of(earlier, run.recipe) if chooses else None
        best = better.step if better is not None and better.step in left else best
        kept = {step, best} - {None}
        while len(left) > max(limit, len(kept)):
            left.remove(next(other for other in left if other not in kept))
    return {best} if limit == 1 and best is not None else {*left}


class Checkpoints:
    """Best model, saved model and saved state."""

    def test_best_model_is_restored(self, run: Record) -> None:
        """After training the model is the best evaluation's, or else the last."""
        if run.recipe.load_best_model_at_end:
            best = best_of(during_training(run), run.recipe)
            assert best is not None, "there was no evaluation during training"
            compare_restored(run.checkpoints, best.step)
            for name in reported(best.metrics):
                compare(name, [run.evaluation().metrics[name]], [best.metrics[name]])
        elif len(run.steps) in {checkpoint.step for checkpoint in run.checkpoints}:
            compare_restored(run.checkpoints, len(run.steps))
        else:
            pytest.skip("the recipe saves no checkpoint of the last step")

    def test_checkpoints_follow_strategy(self, run: Record) -> None:
        """Checkpoints are written as often as `save_strategy` says, and at the end.

        Of more than `save_total_limit`, the oldest go; the best and the last are kept.
        """
        total = len(run.steps)
        every = {
            "no": total + 1,
            "steps": run.recipe.save_steps,
            "epoch": steps_per_epoch(run),
        }[run.recipe.save_strategy]
        expected = {*range(every, total + 1, every)}
        stopped = run.recipe.early_stopping_patience is not None and total < total_steps(run)
        if run.recipe.save_strategy != "no" and not stopped:
            expected.add(total)
        limit = run.recipe.arguments.get("save_total_limit")
        if limit is not None:
            expected = _kept(run, sorted(expected), limit)
        steps = {checkpoint.step for checkpoint in run.checkpoints} - {IN_MEMORY}
        compare("steps of checkpoints", sorted(steps), sorted(expected))

    def test_saved_model_reloads(self, run: Record) -> None:
        """`save_model` then `from_pretrained` gives bit-equal logits, and the label names."""
        if not run.recipe.save_model:
            pytest.skip("the recipe saves no model")
        reloaded = run.answer("reload")
        compare_names("newly initialized", reloaded["newly_initialized"], ())
        if run.task in CLASSIFYING:
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

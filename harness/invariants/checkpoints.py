"""Checkpoints: the best is the best, and what is saved is what was trained."""

import pytest

from harness.invariants.counts import steps_per_epoch
from harness.record import Evaluation, Record

WEIGHTS = "model.safetensors"


def best_evaluation(run: Record) -> Evaluation:
    """The evaluation during training with the best metric; the earliest among equals."""
    metric = (run.recipe.metric_for_best_model or "loss").removeprefix("eval_")
    greater = run.recipe.greater_is_better
    if greater is None:
        greater = not metric.endswith("loss")
    during = [found for found in run.evaluations if found.name.startswith("step-")]
    values = [found.metrics[metric] for found in during]
    return during[values.index(max(values) if greater else min(values))]


class Checkpoints:
    """Best model, saved model and saved state."""

    def test_best_model_is_restored(self, run: Record) -> None:
        """After training the model is the best evaluation's; or the last, if none was asked."""
        digests = {found.step: found.digest for found in run.checkpoints}
        if run.recipe.load_best_model_at_end:
            best = best_evaluation(run)
            assert best.step in digests, f"{best.name} has no checkpoint"
            assert digests[-1] == digests[best.step], f"best evaluation: {best.name}"
            for name in ("accuracy", "f1"):
                assert run.evaluation().metrics[name] == best.metrics[name]
        elif len(run.steps) in digests:
            assert digests[-1] == digests[len(run.steps)]
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
        assert {found.step for found in run.checkpoints} - {-1} == expected

    def test_saved_model_reloads(self, run: Record) -> None:
        """`save_model` then `from_pretrained` gives bit-equal logits, and the label names."""
        if not run.recipe.save_model:
            pytest.skip("the recipe saves no model")
        reloaded = run.answer("reload")
        assert reloaded["newly_initialized"] == []
        assert tuple(reloaded["label_names"]) == run.label_names
        assert {WEIGHTS, "config.json", "tokenizer.json", "tokenizer_config.json"} <= set(run.files)
        assert reloaded["equal"], f"logits differ by up to {reloaded['max_difference']:g}"

    def test_saved_state_holds_the_log(self, run: Record) -> None:
        """`save_state` writes the log history, whole."""
        if not run.recipe.save_state:
            pytest.skip("the recipe saves no state")
        assert run.answer("state_log_equal") is True

"""Training: every step is there, finite, taken with the right rate, and moves the model."""

import math

import pytest

from harness import collation, tolerance
from harness.invariants.counts import epoch_sizes, total_steps
from harness.invariants.schedule import learning_rate, warmup_steps
from harness.record import Record, Step


class Training:
    """Loss, gradient, rate and parameters, step by step."""

    def test_losses_are_finite(self, run: Record) -> None:
        """Loss and gradient norm are numbers at every step, and the norm is above zero.

        With fp16, steps whose scaled gradients overflow are skipped: their norm is none.
        """
        for step in run.steps:
            assert math.isfinite(step.loss), f"step {step.step}: loss {step.loss}"
            if step.grad_norm is not None and not _overflowed(run, step):
                assert math.isfinite(step.grad_norm), f"step {step.step}: norm {step.grad_norm}"
                assert step.grad_norm > 0, f"step {step.step}: norm {step.grad_norm}"

    def test_logged_loss_is_the_loss(self, run: Record) -> None:
        """What is logged is the mean over the step's examples."""
        for step in run.steps:
            assert step.logged_loss == pytest.approx(step.loss, abs=tolerance.LOGGED_LOSS), step

    def test_every_step_is_logged(self, run: Record) -> None:
        """Steps are numbered without a gap, and each logs loss, gradient norm and rate."""
        assert [step.step for step in run.steps] == list(range(1, len(run.steps) + 1))
        for step in run.steps:
            assert {"loss", "grad_norm", "learning_rate"} <= set(step.logged), step

    def test_first_loss_is_chance(self, run: Record) -> None:
        """A fresh head knows nothing: its first loss is near ln(labels) an example."""
        chance = math.log(len(run.label_names))
        first = run.steps[0]
        if collation.parse(run.recipe.collation).budget:
            sizes = epoch_sizes(run)
            batches = min(run.recipe.gradient_accumulation_steps, len(sizes))
            chance *= first.examples / batches / (sum(sizes) / len(sizes))
        assert abs(first.loss - chance) <= tolerance.FIRST_LOSS

    def test_loss_falls(self, run: Record) -> None:
        """The last steps' mean loss is well below chance."""
        if len(run.steps) < tolerance.FEWEST_STEPS:
            pytest.skip(f"{len(run.steps)} steps are too few to have learnt")
        last = run.steps[-max(1, int(tolerance.LAST_STEPS * len(run.steps))) :]
        mean = sum(step.loss for step in last) / len(last)
        assert mean <= tolerance.LAST_LOSS * math.log(len(run.label_names))

    def test_every_parameter_moved(self, run: Record) -> None:
        """Every parameter is trainable, is in the optimizer, and has changed."""
        for parameter in run.parameters:
            assert parameter.trainable, f"{parameter.name} is frozen"
            assert parameter.group >= 0, f"{parameter.name} is in no optimizer group"
            assert parameter.moved > 0, f"{parameter.name} never moved"

    def test_optimizer_holds_the_recipe(self, run: Record) -> None:
        """Every group has the recipe's betas, epsilon and rate; biases and norms do not decay."""
        recipe, groups = run.recipe, run.optimizer["groups"]
        adam = recipe.optim.startswith("adamw_torch")
        if adam:
            assert run.optimizer["class"] == "torch.optim.adamw.AdamW"
        for group in groups:
            if adam:
                assert group["betas"] == [recipe.adam_beta1, recipe.adam_beta2]
                assert group["eps"] == recipe.adam_epsilon
                assert not group["amsgrad"]
                assert not group["maximize"]
            assert group["initial_lr"] == recipe.learning_rate
        for parameter in run.parameters:
            if parameter.group < 0:
                continue  # test_every_parameter_moved says so
            expected = recipe.weight_decay if len(parameter.shape) > 1 else 0.0
            assert groups[parameter.group]["weight_decay"] == expected, parameter.name

    def test_parameters_are_float32(self, run: Record) -> None:
        """Weights are kept in single precision, mixed precision or not."""
        assert {parameter.dtype for parameter in run.parameters} == {"float32"}

    def test_learning_rate_follows_schedule(self, run: Record) -> None:
        """Every step is taken with the rate of the closed form; a skipped step moves nothing."""
        total = total_steps(run)
        taken = 0
        for step in run.steps:
            kind, warmup = run.recipe.lr_scheduler_type, warmup_steps(run.recipe, total)
            expected = run.recipe.learning_rate * learning_rate(kind, taken, warmup, total)
            assert step.learning_rate == pytest.approx(
                expected, rel=tolerance.LEARNING_RATE, abs=0
            ), f"step {step.step}"
            taken += not _overflowed(run, step)


def _overflowed(run: Record, step: Step) -> bool:
    """Whether fp16's loss scaling skipped the step."""
    return bool(
        run.arguments["fp16"] and step.grad_norm is not None and not math.isfinite(step.grad_norm)
    )

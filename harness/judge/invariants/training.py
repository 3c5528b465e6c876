"""Training: every step is there, finite, taken with the right rate, and moves the model."""

import math
import re

import pytest

from harness.core.decay import is_decayed
from harness.core.optimizers import OPTIMIZERS
from harness.core.record import Record
from harness.core.record_parts import Step
from harness.judge import tolerances
from harness.judge.distance import compare, require
from harness.judge.invariants.chance import first_loss, has_fresh_head, learnt_loss, spread
from harness.judge.invariants.counts import epoch_sizes, total_steps
from harness.judge.invariants.schedule import learning_rate, warmup_steps

_END = 1e-7
"""The rate at which a polynomial schedule ends, unless its options say another."""

_KEY_BIAS = re.compile(r"(^|[._])(k|key)(_\w+)?\.bias$")
"""Names of what softmax takes out again: each key's score moves by as much."""


class Training:
    """Loss, gradient, rate and parameters, step by step."""

    def test_losses_are_finite(self, run: Record) -> None:
        """Loss and gradient norm are numbers at every step, and the norm is above zero.

        With fp16, steps whose scaled gradients overflow are skipped: their norm is none.
        """
        require("loss", [step.loss for step in run.steps], math.isfinite, "a finite number")
        norms = [None if _overflowed(run, step) else step.grad_norm for step in run.steps]
        require("gradient norm", norms, _is_norm, "a finite number above 0")

    def test_logged_loss_is_the_loss(self, run: Record) -> None:
        """What is logged is the mean over the step's examples."""
        logged = [step.logged_loss for step in run.steps]
        near = (pytest.approx(step.loss, abs=tolerances.LOGGED_LOSS) for step in run.steps)
        expected = [
            value if value == wanted else step.loss
            for step, value, wanted in zip(run.steps, logged, near, strict=True)
        ]
        compare("logged loss", logged, expected)

    def test_every_step_is_logged(self, run: Record) -> None:
        """Steps are numbered without a gap, and each logs loss, gradient norm and rate."""
        steps = len(run.steps)
        compare("number of a step", [step.step for step in run.steps], range(1, steps + 1))
        for name in ("loss", "grad_norm", "learning_rate"):
            compare(f"{name} is logged", [name in s.logged for s in run.steps], [True] * steps)

    def test_first_loss_is_chance(self, run: Record) -> None:
        """A fresh head knows nothing: its first loss is near ln(labels) a term.

        How near depends on how wide its family draws the head's weights.
        """
        if not has_fresh_head(run):
            pytest.skip("not observable: the head came with the checkpoint")
        chance = first_loss(run)
        slack = tolerances.first_loss(spread(run))
        if chance is None:
            pytest.skip(f"not observable: the first loss of a {run.task} depends on its data")
        first = run.steps[0]
        if run.collation.budget:
            sizes = epoch_sizes(run)
            batches = min(run.recipe.gradient_accumulation_steps, len(sizes))
            chance *= first.examples / batches / (sum(sizes) / len(sizes))
        require(
            "first loss",
            [first.loss],
            lambda loss: abs(loss - chance) <= slack,
            f"{chance:.4f}, give or take {slack:.2f}",
        )

    def test_loss_falls(self, run: Record) -> None:
        """The last steps' mean loss is well below chance.

        Where a stand-in was made, near or below what the best constant answer to all rows has.
        """
        if len(run.steps) < tolerances.FEWEST_STEPS:
            pytest.skip(f"{len(run.steps)} steps are too few to have learnt")
        last = run.steps[-max(1, int(tolerances.LAST_STEPS * len(run.steps))) :]
        mean = sum(step.loss for step in last) / len(last)
        limit = learnt_loss(run) if run.made else first_loss(run)
        if limit is None:
            pytest.skip(f"not observable: what a {run.task} can learn depends on its data")
        limit *= 1 if run.made else tolerances.LAST_LOSS
        require("mean loss of the last steps", [mean], lambda m: m <= limit, f"at most {limit:.4f}")

    def test_every_parameter_moved(self, run: Record) -> None:
        """Every parameter is trainable, is in the optimizer, and has changed.

        AdamW's steps are of one size, however small a gradient: with another optimizer, the biases
        of an attention's keys may stay, for the loss does not depend on them.
        """
        assert run.parameters
        any_size = run.recipe.optim in OPTIMIZERS
        for parameter in run.parameters:
            name = parameter.name
            compare(f"{name}: trainable", [parameter.trainable], [True])
            compare(f"{name}: in a group of the optimizer", [parameter.group >= 0], [True])
            if any_size or not _KEY_BIAS.search(name):
                moved = [parameter.moved]
                require(f"{name}: moved by", moved, lambda size: size > 0, "more than 0")

    def test_optimizer_holds_the_recipe(self, run: Record) -> None:
        """Every group has the recipe's betas, epsilon and rate; biases and norms do not decay."""
        recipe, groups = run.recipe, run.optimizer["groups"]
        adam = recipe.optim in OPTIMIZERS
        if adam:
            compare("optimizer", [run.optimizer["class"]], ["torch.optim.adamw.AdamW"])
        for index, group in enumerate(groups):
            where = f"group {index}"
            if adam:
                betas = [recipe.adam_beta1, recipe.adam_beta2]
                compare(f"{where}: betas", group["betas"], betas)
                compare(f"{where}: epsilon", [group["eps"]], [recipe.adam_epsilon])
                for name in ("amsgrad", "maximize"):
                    compare(f"{where}: {name}", [bool(group[name])], [False])
            compare(f"{where}: learning rate", [group["initial_lr"]], [recipe.learning_rate])
        for parameter in run.parameters:
            if parameter.group < 0:
                continue  # test_every_parameter_moved says so
            decays = is_decayed(parameter.name, len(parameter.shape))
            expected = recipe.weight_decay if decays else 0.0
            decay = groups[parameter.group]["weight_decay"]
            compare(f"{parameter.name}: weight decay", [decay], [expected])

    def test_parameters_are_float32(self, run: Record) -> None:
        """Weights are kept in single precision, mixed precision or not."""
        assert run.parameters
        for parameter in run.parameters:
            compare(f"{parameter.name}: type", [parameter.dtype], ["float32"])

    def test_learning_rate_follows_schedule(self, run: Record) -> None:
        """Every step is taken with the rate of the closed form; a skipped step moves nothing."""
        total = total_steps(run)
        kind, warmup = run.recipe.lr_scheduler_type, warmup_steps(run.recipe, total)
        highest = run.recipe.learning_rate
        options = {"lr_end": _END / highest}
        rates, expected, taken = [], [], 0
        for step in run.steps:
            rate = highest * learning_rate(kind, taken, warmup, total, options)
            near = pytest.approx(rate, rel=tolerances.LEARNING_RATE, abs=0)
            rates.append(step.learning_rate)
            expected.append(step.learning_rate if step.learning_rate == near else rate)
            taken += not _overflowed(run, step)
        compare("learning rate", rates, expected)


def _is_norm(norm: float | None) -> bool:
    """Whether a gradient norm is one, or is not there to be judged."""
    return norm is None or (math.isfinite(norm) and norm > 0)


def _overflowed(run: Record, step: Step) -> bool:
    """Whether fp16's loss scaling skipped the step."""
    return bool(
        run.arguments["fp16"] and step.grad_norm is not None and not math.isfinite(step.grad_norm)
    )

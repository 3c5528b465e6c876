"""Counts: how many steps, and who is seen how often."""

import math
from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from harness.core import batching
from harness.core.record import Record
from harness.judge.distance import compare
from harness.judge.invariants import evaluated
from harness.judge.invariants.best import patience_ends

FEWEST_SHUFFLED = 8
"""Examples of which two random orders are hardly ever equal."""


def epoch_sizes(run: Record) -> list[int]:
    """Sizes of an epoch's batches: full ones and what is left, or as a budget of tokens has it."""
    recipe, examples = run.recipe, run.sizes["train"]
    each = recipe.per_device_train_batch_size
    strategy = run.collation
    if strategy.budget:
        lengths = np.asarray(run.arrays["split.train.lengths"], np.int64)
        composed = batching.compose(
            lengths,
            strategy,
            batch_size=each,
            max_length=int(lengths.max()),
            seed=recipe.order_seed,
        )
        return [int(size) for size in composed.sizes]
    return _batch_sizes(examples - (examples % each if recipe.dataloader_drop_last else 0), each)


def steps_per_epoch(run: Record) -> int:
    """Optimizer steps of one epoch: ceil(batches / accumulation)."""
    return math.ceil(len(epoch_sizes(run)) / run.recipe.gradient_accumulation_steps)


def total_steps(run: Record) -> int:
    """Optimizer steps of a whole run."""
    if run.recipe.max_steps > 0:
        return run.recipe.max_steps
    return math.ceil(run.recipe.num_train_epochs * steps_per_epoch(run))


def _batch_sizes(examples: int, each: int) -> list[int]:
    """Sizes of the batches that hold some examples: full ones, and what is left."""
    full, left = divmod(examples, each)
    return [each] * full + ([left] if left else [])


def _differing(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> int:
    """Places at which two arrays differ; those that one of them lacks, too."""
    both = min(len(left), len(right))
    return int(np.sum(left[:both] != right[:both])) + abs(len(left) - len(right))


def _stop(run: Record) -> float:
    """The step that early stopping ends training with; endless if it does not."""
    if run.recipe.early_stopping_patience is None:
        return math.inf
    return patience_ends(run) or math.inf


class Counts:
    """Steps, examples and predictions are as many as they should be."""

    def test_number_of_steps(self, run: Record) -> None:
        """There are ceil(batches / accumulation) steps an epoch."""
        compare("steps", [len(run.steps)], [total_steps(run)])

    def test_patience_ends_training(self, run: Record) -> None:
        """Early stopping ends training after as many evaluations without a better metric."""
        if run.recipe.early_stopping_patience is None:
            pytest.skip("the recipe does not stop early")
        compare("steps", [len(run.steps)], [min(total_steps(run), _stop(run))])

    def test_every_example_once_an_epoch(self, run: Record) -> None:
        """Each whole epoch shows each example once; a broken one shows none twice."""
        examples = run.sizes["train"]
        if run.recipe.dataloader_drop_last:
            examples -= examples % run.recipe.per_device_train_batch_size
        known = Counter(run.arrays["split.train.rows"].tolist())
        seen = run.arrays["train.rows"].tolist()
        for start in range(0, len(seen), examples):
            epoch = Counter(seen[start : start + examples])
            where = f"epoch {start // examples + 1}"
            compare(f"{where}: examples repeated", [(epoch - known).total()], [0])
            if epoch.total() == examples == run.sizes["train"]:
                compare(f"{where}: examples left out", [(known - epoch).total()], [0])
        each = run.recipe.per_device_train_batch_size * run.recipe.gradient_accumulation_steps
        epochs, left = divmod(min(total_steps(run), _stop(run)), steps_per_epoch(run))
        if not left or not run.collation.budget:
            compare("examples of all epochs", [len(seen)], [epochs * examples + left * each])

    def test_every_epoch_is_shuffled(self, run: Record) -> None:
        """No epoch is in the data set's order, and no two are in the same."""
        known = run.arrays["split.train.rows"].tolist()
        if len(known) < FEWEST_SHUFFLED or run.recipe.dataloader_drop_last:
            pytest.skip("too few examples to tell an order, or incomplete epochs")
        seen = run.arrays["train.rows"].tolist()
        size = len(known)
        orders = [known, *(seen[at : at + size] for at in range(0, len(seen) - size + 1, size))]
        repeated = [order in orders[:index] for index, order in enumerate(orders)]
        compare("order seen before", repeated[1:], [False] * (len(orders) - 1))

    def test_batches_have_their_size(self, run: Record) -> None:
        """Every batch is full but the last of an epoch or an evaluation."""
        recipe, sizes = run.recipe, run.sizes
        each = recipe.per_device_eval_batch_size
        for evaluation in run.evaluations:
            given = [batch.examples for batch in run.batches_of(evaluation.name)]
            compare(evaluation.name, given, _batch_sizes(sizes[evaluation.split], each))
        epoch = epoch_sizes(run)
        given = [batch.examples for batch in run.batches_of("train")]
        grouped = run.collation.grouped
        for start in range(0, len(given), len(epoch)):
            part = given[start : start + len(epoch)]
            if grouped:  # batches are shuffled, the short one with them
                others = Counter(part) - Counter(epoch)
                compare(f"batches of another size from {start + 1}", [others.total()], [0])
            else:
                compare(f"batches from {start + 1}", part, epoch[: len(part)])

    def test_model_is_in_its_mode(self, run: Record) -> None:
        """The model trains in training mode and is evaluated in evaluation mode."""
        for stage, batches in run.stages.items():
            modes = [batch.training for batch in batches]
            compare(f"{stage}: in training mode", modes, [stage == "train"] * len(batches))

    def test_every_example_is_evaluated_once(self, run: Record) -> None:
        """Evaluation sees every example once, in the data set's order; so row i is example i."""
        for evaluation in run.evaluations:
            seen = len(run.arrays[f"{evaluation.name}.rows"])
            compare(f"{evaluation.name}: examples", [seen], [run.sizes[evaluation.split]])
        for kind, compared in (("rows", "rows"), ("labels", "codes")):
            moved = [
                _differing(
                    run.arrays.get(f"{e.name}.{compared}", run.arrays[f"{e.name}.{kind}"]),
                    run.arrays[f"split.{e.split}.{kind}"],
                )
                for e in run.evaluations
            ]
            compare(f"{kind} out of place", moved, [0] * len(moved), 0.0)

    def test_prediction_has_one_row_an_example(self, run: Record) -> None:
        """`predict` returns (examples, labels), also when the last batch is short.

        Of tokens it returns as many labels each; of a language model, what is kept of each.
        """
        expected = evaluated.predicted_shape(run, run.sizes["evaluation"], run.predicted_shape)
        compare("shape", run.predicted_shape, expected)

    def test_evaluations_follow_strategy(self, run: Record) -> None:
        """Evaluation happens as often as `eval_strategy` says, and once at the end.

        None before `eval_delay`, in steps or epochs; one before the first step if `eval_on_start`.
        """
        steps = [part.step for part in run.evaluations if part.name.startswith("step-")]
        total = len(run.steps)
        every = {
            "no": total + 1,
            "steps": run.recipe.eval_steps or total + 1,
            "epoch": steps_per_epoch(run),
        }[run.recipe.eval_strategy]
        expected = list(range(every, total + 1, every))
        if run.recipe.eval_strategy == "epoch" and total % every:
            expected.append(total)
        at_end = run.recipe.eval_strategy == "steps" and total % every and steps[-1:] == [total]
        expected += [total] * bool(at_end)  # transformers 5 adds the last
        arguments = run.recipe.arguments
        delay = arguments.get("eval_delay", 0) * (
            every if run.recipe.eval_strategy == "epoch" else 1
        )
        expected = [step for step in expected if step >= delay]
        compare("steps", steps, [0] * arguments.get("eval_on_start", False) + expected)
        compare("last step", [run.evaluation("final").step], [total])

"""Formulas: what a run computes is what the papers say, computed again without the libraries."""

import math

import numpy as np
import pytest

from harness.core.schema import LABEL_COLUMNS
from harness.core.trial import RATES, WARMUP, Look, Trial, Trials
from harness.core.variations import LOOKS
from harness.judge import tolerances
from harness.judge.distance import compare
from harness.judge.invariants.agreement import exact, flat, skip_unless_smoothed
from harness.judge.invariants.schedule import learning_rate
from harness.judge.tolerances import Band

_SCHEDULED = {"num_cycles": 2, "power": 2.0, "lr_end": 0.01}
"""Options of the schedules that `harness.worker.answers` asks for."""


class Formulas:
    """Loss, gradient, clipping, update, schedule; and what belongs to which example."""

    def test_loss_and_gradient_are_the_formulas(self, trials: Trials) -> None:
        """Loss and gradient are the formulas', from the batch that the model received.

        The gradient's norm and direction both: nothing is left over, added or scaled. Of a family
        without formulas, logits are the model's own, one unpadded example at a time.
        """
        _compare_computed(trials["reference"], exact(trials))

    def test_accumulated_gradient_is_the_means(self, trials: Trials) -> None:
        """Accumulated over micro-batches, loss and gradient are those of all their examples."""
        _compare_computed(trials["accumulated"], exact(trials))

    def test_examples_weigh_alike(self, trials: Trials) -> None:
        """Where a budget of tokens makes batches of many sizes, their losses are sums.

        Divided by a constant, so that an example of a small batch weighs no more than another.
        """
        if "within a budget" not in trials:
            pytest.skip("a Trainer of the user's own makes its batches itself")
        _compare_computed(trials["within a budget"], exact(trials))

    def test_labels_are_smoothed(self, trials: Trials) -> None:
        """With smoothing 0.1, loss and gradient are those of the smoothed cross-entropy.

        In single precision: transformers sums the smoothed part in it, whatever the logits are.
        """
        skip_unless_smoothed(trials)
        _compare_computed(trials["smoothed"], tolerances.SINGLE)

    def test_gradient_is_clipped(self, trials: Trials) -> None:
        """The optimizer is given gradients of norm min(norm, max_grad_norm); 0 clips nothing."""
        for name in ("reference", "unclipped"):
            limit = math.inf if name == "unclipped" else float(trials.recipe["max_grad_norm"])
            for look in _looks(trials[name]):
                expected = min(look.norm, limit)
                compare(f"{name}: clipped norm", [look.clipped], [expected], tolerances.CLIPPING)

    def test_update_is_adamws(self, trials: Trials) -> None:
        """The first updates are AdamW's, decay on matrices alone, epsilon outside the root."""
        for name in filter(trials.__contains__, ("reference", "unclipped", "smoothed")):
            for look in _looks(trials[name]):
                compare(f"{name}: {look.worst}", [look.update], [0.0], tolerances.UPDATE)

    def test_predictions_belong_to_their_examples(self, trials: Trials) -> None:
        """Row i of the predictions is what the formulas give for example i by itself."""
        for name in trials.trials:
            trial = trials[name]
            if trial.alone and name != "grouped":
                alone = flat(trial.alone)
                compare(f"{name}: logits", flat(trial.logits), alone, exact(trials))

    def test_grouped_predictions_belong_to_their_examples(self, trials: Trials) -> None:
        """Row i of the predictions is that of example i, also where batches are of like lengths."""
        if "grouped" not in trials:
            pytest.skip("only the Trainer groups by length")
        trial = trials["grouped"]
        moved = sum(a != b for a, b in zip(trial.predicted, trials.evaluated, strict=True))
        compare("examples out of place", [moved], [0], 0.0)
        alone = dict(zip(trials.evaluated, trial.alone, strict=False))
        expected = [value for row in trial.predicted for value in alone.get(row, ())]
        compare("logits of an example", flat(trial.logits), expected, exact(trials))

    def test_stages_are_the_formulas(self, trials: Trials) -> None:
        """Embeddings, every layer and the logits, in single precision, are the formulas'."""
        if not trials.answer("reference_stages"):
            kind = trials.answers.model_type
            pytest.skip(f"not observable: no formulas are written for {kind}")
        for name, value in trials.answer("reference_stages").items():
            compare(name, [trials.answer("stages")[name]], [value], tolerances.STAGE)

    def test_schedules_are_their_formulas(self, trials: Trials) -> None:
        """Every schedule on offer gives the rates of its closed form."""
        for name, rates in trials.answer("schedules").items():
            expected = [
                learning_rate(name, step, WARMUP, RATES, _SCHEDULED) for step in range(RATES)
            ]
            compare(f"{name}: rates", rates, expected, tolerances.LEARNING_RATE)

    def test_subset_is_the_seeds(self, trials: Trials) -> None:
        """`shuffle(seed).select(range(n))` picks the rows of NumPy's permutation, everywhere."""
        seed = trials.recipe["subset_seed"]
        expected = np.random.default_rng(seed).permutation(100)[:10]
        compare("rows", trials.answer("chosen"), expected.tolist())

    def test_map_is_not_stale(self, trials: Trials) -> None:
        """A changed tokenizing function is never answered from the cache of an older one."""
        compare("tokens", trials.answer("cached"), (6, 9))

    def test_torch_format_gives_tensors(self, trials: Trials) -> None:
        """`with_format("torch")` gives int64 tensors, and float32 of labels that are numbers."""
        formatted = trials.answer("formatted")
        numbers = trials.task in {"multi_label_classification", "regression"}
        for name in {"input_ids": None, "attention_mask": None, **formatted}:
            expected = "float32" if numbers and name in LABEL_COLUMNS else "int64"
            compare(name, [formatted.get(name)], [expected])


def _looks(trial: Trial) -> tuple[Look, ...]:
    """The steps that were computed again, all of them."""
    assert len(trial.looks) == LOOKS, f"{len(trial.looks)} steps of {LOOKS} were computed again"
    return trial.looks


def _compare_computed(trial: Trial, band: Band) -> None:
    """Hold a trial's first losses and gradients against the formulas."""
    looks, first = _looks(trial), slice(LOOKS)
    compare("loss", trial.losses[first], [look.loss for look in looks], band)
    compare("gradient norm", trial.norms[first], [look.norm for look in looks], band)
    directions = [look.direction for look in looks]
    compare("distance of directions", directions, [0.0] * len(directions), band)

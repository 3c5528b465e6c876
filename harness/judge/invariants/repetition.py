"""Repetition: the same seed is the same run, and an interruption leaves no trace."""

import pytest

from harness.core.trial import Trials
from harness.judge import tolerances
from harness.judge.distance import compare, require
from harness.judge.invariants.agreement import compare_rates, compare_rows, exact, flat, metric_band
from harness.judge.invariants.checkpoints import IN_MEMORY, compare_restored
from harness.judge.metric_kinds import reported


class Repetition:
    """Seeds, interruptions and evaluations."""

    def test_same_seed_is_the_same_run(self, trials: Trials) -> None:
        """Dropout and all, a run is repeated bit for bit; on an accelerator, to rounding."""
        first, again = trials["noisy"], trials["repeated"]
        compare_rows(again, first)
        on_cpu = trials.device == "cpu"
        if on_cpu:
            written, expected = (
                [(c.step, c.digest) for c in t.checkpoints] for t in (again, first)
            )
            compare("checkpoints", written, expected)
        compare("loss", again.losses, first.losses, 0.0 if on_cpu else tolerances.SINGLE)

    def test_other_seed_is_other_dropout(self, trials: Trials) -> None:
        """Another seed drops out elsewhere, from the first step, on the same rows."""
        _require_dropout(trials)
        first, other = trials["noisy"], trials["other seed"]
        compare_rows(other, first)
        compare("first loss is the same", [other.losses[0] == first.losses[0]], [False])

    def test_other_data_seed_is_another_order(self, trials: Trials) -> None:
        """Another data seed shows the same rows in another order."""
        first, other = trials["noisy"], trials["other order"]
        compare("the order is the same", [other.rows == first.rows], [False])
        compare("rows in order", sorted(other.rows), sorted(first.rows))

    def test_dropout_drops(self, trials: Trials) -> None:
        """The first step with dropout is not the one without; its loss alone might be by chance."""
        _require_dropout(trials)
        noisy, dry = trials["noisy"], trials["single precision"]
        apart = [abs(noisy.losses[0] - dry.losses[0]), abs(noisy.norms[0] - dry.norms[0])]
        least = tolerances.SINGLE
        require("difference", [max(apart)], lambda size: size > least, f"more than {least:g}")

    def test_evaluating_changes_nothing(self, trials: Trials) -> None:
        """Evaluating after every step leaves parameters, random state and mode as they were."""
        never, often = trials["noisy"], trials["evaluated often"]
        compare("loss", often.losses, never.losses, 0.0)
        compare("gradient norm", often.norms, never.norms, 0.0)

    def test_evaluating_twice_is_the_same(self, trials: Trials) -> None:
        """The last step's evaluation and the final one report the same metrics."""
        trial = trials["evaluated often"]
        last, final = trial.evaluation(f"step-{len(trial.steps)}"), trial.evaluation()
        compare("there are metrics", [bool(reported(final.metrics))], [True])
        for name in ("loss", *reported(final.metrics)):
            compare(name, [last.metrics[name]], [final.metrics[name]], 0.0)

    def test_resumed_is_uninterrupted(self, trials: Trials) -> None:
        """A run that breaks off amid an accumulation and goes on ends as if it had not."""
        _compare_resumed(trials, "resumed")

    def test_resumed_between_epochs_is_uninterrupted(self, trials: Trials) -> None:
        """A run that breaks off as its second epoch begins ends as if it had not."""
        _compare_resumed(trials, "resumed between epochs")

    def test_resumed_in_second_epoch_is_uninterrupted(self, trials: Trials) -> None:
        """A run that breaks off amid the second epoch goes on in that epoch's order."""
        _compare_resumed(trials, "resumed in second epoch")

    def test_best_is_best_either_way(self, trials: Trials) -> None:
        """The least loss is restored where less is better, the greatest where more is."""
        for name, pick in (("least is best", min), ("greatest is best", max)):
            trial = trials[name]
            during = [e for e in trial.evaluations if e.name.startswith("step-")]
            best = pick(during, key=lambda e: e.metrics["loss"])
            compare_restored(trial.checkpoints, best.step, where=f"{name}: ")
            digests = [c.digest for c in trial.checkpoints if c.step != IN_MEMORY]
            compare(f"{name}: different checkpoints", [len({*digests})], [len(digests)])

    def test_evaluation_batch_changes_nothing(self, trials: Trials) -> None:
        """Evaluated 7, 8 or 16 at a time, logits, loss and metrics are the same."""
        for name in ("evaluated by 7", "evaluated by 16"):
            _compare_evaluations(trials, name)


def _require_dropout(trials: Trials) -> None:
    """Skip where the checkpoint's configuration drops nothing."""
    if trials.answers.dropout == 0:
        pytest.skip(f"not observable: this {trials.answers.model_type} drops nothing")


def _compare_resumed(trials: Trials, name: str) -> None:
    """Hold what a resumed run did after its checkpoint against the same steps uninterrupted."""
    whole, resumed, band = trials["uninterrupted"], trials[name], exact(trials)
    done = resumed.steps[0].step - 1
    assert done > 0, "the resumed run began anew"
    steps, expected = resumed.steps, whole.steps[done:]
    compare("steps", [step.step for step in steps], [step.step for step in expected])
    left = whole.rows[-len(resumed.rows) :]
    moved = sum(ours != theirs for ours, theirs in zip(resumed.rows, left, strict=True))
    compare("other rows", [moved], [0], 0.0)
    compare_rates(resumed.rates, whole.rates[done:])
    compare("loss", resumed.losses, whole.losses[done:], band)
    compare("gradient norm", resumed.norms, whole.norms[done:], band)
    compare("final logits", flat(resumed.logits), flat(whole.logits), band)


def _compare_evaluations(trials: Trials, where: str) -> None:
    """Hold the final evaluation of a trial against the reference's."""
    trial, expected, band = trials[where], trials["reference"], exact(trials)
    compare(f"{where}: rows", trial.predicted, expected.predicted)
    logits = flat(trial.logits), flat(expected.logits)
    compare(f"{where}: logits", *logits, band)
    ours, theirs = trial.evaluation().metrics, expected.evaluation().metrics
    for name in reported(theirs):
        compare(f"{where}: {name}", [ours[name]], [theirs[name]], metric_band(trials))
    compare(f"{where}: loss", [ours["loss"]], [theirs["loss"]], band)

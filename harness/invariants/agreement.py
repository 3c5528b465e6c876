"""Agreement: runs that differ in what must not matter compute the same thing."""

import math
from collections import Counter
from collections.abc import Sequence

import pytest

from harness import tolerance
from harness.errors import RunError
from harness.tolerance import Band
from harness.trial import Rows, Trial, Trials


def assert_near(left: Sequence[float], right: Sequence[float], band: Band, what: str) -> None:
    """Hold two series against each other: same length, all finite, near each other.

    Each difference counts relative to 1 or to the value itself, whichever is larger. A mean
    difference of more than half the band, all on one side, fails too: scaling faults look so.
    """
    assert len(left) == len(right), f"{what}: {len(left)} and {len(right)} values"
    assert all(map(math.isfinite, [*left, *right])), f"{what}: not finite"
    apart = [(a - b) / max(1.0, abs(a), abs(b)) for a, b in zip(left, right, strict=True)]
    band.note(max(map(abs, apart), default=0.0))
    for index, (difference, a, b) in enumerate(zip(apart, left, right, strict=True), start=1):
        assert abs(difference) <= band, f"{what}, value {index}: {a!r} and {b!r}"
    drift = sum(apart) / max(1, len(apart))
    assert abs(drift) <= band / 2, f"{what}: all differ to one side, by {drift:g} on average"


def assert_like(left: Trial, right: Trial, band: Band = tolerance.DOUBLE) -> None:
    """Hold two trials against each other: losses, gradient norms, rates, final logits."""
    assert_near(left.losses, right.losses, band, "loss")
    assert_near(left.norms, right.norms, band, "gradient norm")
    assert_near(left.rates, right.rates, band, "learning rate")
    assert_near(flat(left.logits), flat(right.logits), band, "final logits")


def flat(rows: Rows) -> list[float]:
    """All values of a matrix."""
    return [value for row in rows for value in row]


class Agreement:
    """Loops, padding, accumulation and processes do not change what is computed."""

    def test_loops_agree(self, trials: Trials) -> None:
        """The cell's loop and another take the same steps on the same rows in the same order."""
        assert trials["reference"].rows == trials["other loop"].rows
        assert_like(trials["reference"], trials["other loop"])

    def test_accumulated_is_one_batch(self, trials: Trials) -> None:
        """Two micro-batches of 2 are one batch of 4; at an epoch's end one is left of the two."""
        assert_like(trials["reference"], trials["accumulated"])

    def test_ragged_accumulated_is_one_batch(self, trials: Trials) -> None:
        """The same where the last micro-batch is shorter than the one before it."""
        assert_like(trials["ragged"], trials["ragged, accumulated"])

    def test_smoothed_accumulated_is_one_batch(self, trials: Trials) -> None:
        """The same with label smoothing, which transformers sums up in single precision."""
        assert_like(trials["smoothed"], trials["smoothed, accumulated"], tolerance.SINGLE)

    def test_padding_changes_nothing(self, trials: Trials) -> None:
        """Wider batches train alike."""
        for name in ("padded to max_length", "padded to multiples"):
            assert_like(trials["reference"], trials[name])

    def test_packing_changes_nothing(self, trials: Trials) -> None:
        """Several examples in a row, or all in one, train as if each had its own."""
        offered = [name for name in ("packed", "free of padding") if name in trials]
        if not offered:
            pytest.skip("this version of transformers cannot keep sequences of a row apart")
        for name in offered:
            assert_like(trials["reference"], trials[name])

    def test_examples_stand_alone(self, trials: Trials) -> None:
        """Logits, loss and gradient of an example are those it has alone and unpadded."""
        alone = trials.answers.padded["alone"]
        for name, padded in trials.answers.padded.items():
            assert_near(flat(padded.logits), flat(alone.logits), tolerance.DOUBLE, name)
            assert_near(padded.losses, alone.losses, tolerance.DOUBLE, name)
            assert_near(padded.gradients, [0.0] * len(alone.losses), tolerance.DOUBLE, name)

    def test_processes_are_one_batch(self, trials: Trials) -> None:
        """Two processes with batches of 2 train like one with batches of 4."""
        if "two processes" not in trials:
            pytest.skip("the plain loop runs in one process")
        whole, first = trials["whole"], trials["two processes"]
        processes = (first, *first.ranks)
        for rank in processes:
            if rank.error:
                raise RunError(f"a process ended with {rank.error}")
            assert_near(rank.norms, whole.norms, tolerance.DOUBLE, "gradient norm")
            assert_near(rank.rates, whole.rates, tolerance.DOUBLE, "learning rate")
            assert_near(flat(rank.logits), flat(whole.logits), tolerance.DOUBLE, "gathered logits")
            assert rank.evaluation().metrics["accuracy"] == whole.evaluation().metrics["accuracy"]
        means = [
            sum(losses) / len(processes)
            for losses in zip(*(rank.losses for rank in processes), strict=True)
        ]
        assert_near(means, whole.losses, tolerance.DOUBLE, "loss")
        assert Counter(row for rank in processes for row in rank.rows) == Counter(whole.rows)

    def test_processes_share_a_budget(self, trials: Trials) -> None:
        """Batches of many sizes, one a process, train like the same batches accumulated.

        An odd one at the end is left out: the other process then has a batch again.
        """
        if "within a budget, two processes" not in trials:
            pytest.skip("only Accelerate's processes share batches within a budget")
        whole = trials["within a budget, accumulated"]
        first = trials["within a budget, two processes"]
        even = len(trials["within a budget"].losses) // 2
        for rank in (first, *first.ranks):
            if rank.error:
                raise RunError(f"a process ended with {rank.error}")
            assert_near(rank.norms[:even], whole.norms[:even], tolerance.DOUBLE, "gradient norm")
        both = zip(*(rank.losses[:even] for rank in (first, *first.ranks)), strict=True)
        means = [sum(losses) / len(losses) for losses in both]
        assert_near(means, whole.losses[:even], tolerance.DOUBLE, "loss")

    def test_rows_train_alike_however_given(self, trials: Trials) -> None:
        """A Dataset, a list of dicts and a torch Dataset train alike."""
        if "list of dicts" not in trials:
            pytest.skip("only the Trainer takes other kinds of data sets")
        for name in ("list of dicts", "torch dataset"):
            assert trials[name].rows == trials["reference"].rows, name
            assert_like(trials["reference"], trials[name])

    def test_single_precision_only_rounds(self, trials: Trials) -> None:
        """In float32, a run stays near the one in float64."""
        assert_like(trials["reference"], trials["single precision"], tolerance.SINGLE)

    def test_bfloat16_stays_near(self, trials: Trials) -> None:
        """Under bfloat16 autocast, a run stays near, and is not the same."""
        assert_like(trials["reference"], trials["bfloat16"], tolerance.BFLOAT16)
        assert trials["bfloat16"].losses != trials["single precision"].losses

    def test_compiling_only_rounds(self, trials: Trials) -> None:
        """`torch.compile` computes the same.

        At the tiny scale torch's own kernels run what was captured; at the full scale inductor's,
        which take a minute to make.
        """
        compiled = [name for name in trials.trials if name.startswith("compiled")]
        if not compiled:
            pytest.skip("at the tiny scale only the Trainer compiles")
        for name in compiled:
            assert trials[name].graphs, f"{name}: nothing was compiled"
            assert_like(trials["whole"], trials[name])

    def test_checkpointing_changes_nothing(self, trials: Trials) -> None:
        """Gradient checkpointing computes the same gradients."""
        assert_like(trials["reference"], trials["checkpointed"])

"""Agreement: runs that differ in what must not matter compute the same thing."""

import math
from collections import Counter
from collections.abc import Sequence

import pytest

from harness.core.errors import CrashError
from harness.core.trial import Rows, Trial, Trials
from harness.judge import tolerances
from harness.judge.distance import compare
from harness.judge.metric_kinds import reported
from harness.judge.tolerances import Band


def exact(trials: Trials) -> Band:
    """How far apart trials in double precision may be.

    Not by the model's name: by whether it was seen to compute in less. A family whose formulas are
    written does not: there, that is a fault.
    """
    return tolerances.NARROWED if narrows(trials) else tolerances.DOUBLE


def narrows(trials: Trials) -> bool:
    """Whether a model computes in less than double precision by right."""
    return bool(trials.answers.narrowings) and not trials.answers.reference_stages


def compare_trials(trial: Trial, expected: Trial, band: Band, where: str = "") -> None:
    """Hold a trial against another: losses, gradient norms, rates, final logits."""
    compare(f"{where}loss", trial.losses, expected.losses, band)
    compare(f"{where}gradient norm", trial.norms, expected.norms, band)
    compare_rates(trial.rates, expected.rates, where)
    compare(f"{where}final logits", flat(trial.logits), flat(expected.logits), band)


def compare_rows(trial: Trial, expected: Trial, where: str = "") -> None:
    """Hold the rows that a trial trained on against another's, in their order."""
    compare(f"{where}rows", trial.rows, expected.rows)


def compare_rates(rates: Sequence[float], expected: Sequence[float], where: str = "") -> None:
    """Hold learning rates against another trial's, where both loops show them.

    Where one does not, `test_learning_rate_follows_schedule` fails, and no other test for that.
    """
    if any(map(math.isfinite, rates)) and any(map(math.isfinite, expected)):
        compare(f"{where}learning rate", rates, expected, tolerances.DOUBLE)


def flat(rows: Rows) -> list[float]:
    """All values of a matrix."""
    return [value for row in rows for value in row]


def metric_band(trials: Trials) -> Band | float:
    """How far a metric may be off where logits only round: counts are equal or are not."""
    return tolerances.SINGLE if trials.task in {"regression", "causal_lm"} else 0.0


def skip_unless_smoothed(trials: Trials) -> None:
    """Labels are smoothed where they are one class of several."""
    if "smoothed" not in trials:
        pytest.skip(f"not observable: labels of a {trials.task} are not smoothed")


class Agreement:
    """Loops, padding, accumulation and processes do not change what is computed."""

    def test_loops_agree(self, trials: Trials) -> None:
        """The cell's loop and another take the same steps on the same rows in the same order."""
        compare_rows(trials["reference"], trials["other loop"])
        compare_trials(trials["reference"], trials["other loop"], exact(trials))

    def test_accumulated_is_one_batch(self, trials: Trials) -> None:
        """Two micro-batches of 2 are one batch of 4; at an epoch's end one is left of the two."""
        compare_trials(trials["accumulated"], trials["reference"], exact(trials))

    def test_ragged_accumulated_is_one_batch(self, trials: Trials) -> None:
        """Two micro-batches are one batch, also where the last is shorter than the first."""
        compare_trials(trials["ragged, accumulated"], trials["ragged"], exact(trials))

    def test_smoothed_accumulated_is_one_batch(self, trials: Trials) -> None:
        """Two micro-batches are one batch, also with label smoothing, in single precision."""
        skip_unless_smoothed(trials)
        compare_trials(trials["smoothed, accumulated"], trials["smoothed"], tolerances.SINGLE)

    def test_padding_changes_nothing(self, trials: Trials) -> None:
        """Wider batches train alike."""
        for name in ("padded to max_length", "padded to multiples"):
            compare_trials(trials[name], trials["reference"], exact(trials), where=f"{name}: ")

    def test_packing_changes_nothing(self, trials: Trials) -> None:
        """Several examples in a row, or all in one, train as if each had its own."""
        offered = [name for name in ("packed", "free of padding") if name in trials]
        if not offered:
            pytest.skip(
                "not observable: no layout of several sequences a row is written for "
                f"{trials.answers.model_type}, or this version of transformers has none"
            )
        for name in offered:
            compare_trials(trials[name], trials["reference"], exact(trials), where=f"{name}: ")

    def test_examples_stand_alone(self, trials: Trials) -> None:
        """Logits, loss and gradient of an example are those it has alone and unpadded."""
        alone = trials.answer("padded")["alone"]
        for name, padded in trials.answer("padded").items():
            none = [0.0] * len(alone.losses)
            compare(f"{name}: logits", flat(padded.logits), flat(alone.logits), exact(trials))
            compare(f"{name}: losses", padded.losses, alone.losses, exact(trials))
            compare(f"{name}: distance of gradients", padded.gradients, none, exact(trials))

    def test_no_token_sees_later_ones(self, trials: Trials) -> None:
        """A language model predicts of a text's beginning the same, whatever comes after it."""
        foresight = trials.answer("foresight")
        if foresight is None:
            pytest.skip(f"a {trials.task} may look at all tokens")
        compare("logits moved by later tokens", [foresight], [0.0], exact(trials))

    def test_processes_are_one_batch(self, trials: Trials) -> None:
        """Two processes with batches of 2 train like one with batches of 4."""
        if "two processes" not in trials:
            pytest.skip("the plain loop runs in one process")
        whole, first = trials["whole"], trials["two processes"]
        processes = (first, *first.ranks)
        for rank in processes:
            if rank.error:
                raise CrashError(f"a trial crashed: {rank.error}", why="in another process")
            compare("gradient norm", rank.norms, whole.norms, exact(trials))
            compare_rates(rank.rates, whole.rates)
            compare("gathered logits", flat(rank.logits), flat(whole.logits), exact(trials))
            ours, theirs = rank.evaluation().metrics, whole.evaluation().metrics
            compare("there are metrics", [bool(reported(theirs))], [True])
            for name in reported(theirs):
                compare(name, [ours[name]], [theirs[name]], metric_band(trials))
        means = [
            sum(losses) / len(processes)
            for losses in zip(*(rank.losses for rank in processes), strict=True)
        ]
        compare("loss", means, whole.losses, exact(trials))
        read = Counter(row for rank in processes for row in rank.rows)
        differing = (read - Counter(whole.rows)) + (Counter(whole.rows) - read)
        compare("rows read more or less often", [differing.total()], [0])

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
                raise CrashError(f"a trial crashed: {rank.error}", why="in another process")
            compare("gradient norm", rank.norms[:even], whole.norms[:even], exact(trials))
        both = zip(*(rank.losses[:even] for rank in (first, *first.ranks)), strict=True)
        means = [sum(losses) / len(losses) for losses in both]
        compare("loss", means, whole.losses[:even], exact(trials))

    def test_rows_train_alike_however_given(self, trials: Trials) -> None:
        """A Dataset, a list of dicts and a torch Dataset train alike."""
        if "list of dicts" not in trials:
            pytest.skip("only the Trainer takes other kinds of data sets")
        for name in ("list of dicts", "torch dataset"):
            compare_rows(trials[name], trials["reference"], where=f"{name}: ")
            compare_trials(trials[name], trials["reference"], exact(trials), where=f"{name}: ")

    def test_single_precision_only_rounds(self, trials: Trials) -> None:
        """In float32, a run stays near the one in float64."""
        compare_trials(trials["single precision"], trials["reference"], tolerances.SINGLE)

    def test_bfloat16_stays_near(self, trials: Trials) -> None:
        """Under bfloat16 autocast, a run stays near, and is not the same."""
        band = tolerances.BFLOAT16_NARROWED if narrows(trials) else tolerances.BFLOAT16
        compare_trials(trials["bfloat16"], trials["reference"], band)
        same = trials["bfloat16"].losses == trials["single precision"].losses
        compare("computed in single precision", [same], [False])

    def test_compiling_only_rounds(self, trials: Trials) -> None:
        """`torch.compile` computes the same.

        At the tiny scale torch's own kernels run what was captured; at the full scale inductor's,
        which take a minute to make.
        """
        compiled = [name for name in trials.trials if name.startswith("compiled")]
        if not compiled:
            pytest.skip("at the tiny scale only the Trainer compiles")
        for name in compiled:
            compare(f"{name}: something was compiled", [trials[name].graphs > 0], [True])
            compare_trials(trials[name], trials["whole"], exact(trials), where=f"{name}: ")

    def test_checkpointing_changes_nothing(self, trials: Trials) -> None:
        """Gradient checkpointing computes the same gradients."""
        if "checkpointed" not in trials:
            kind = trials.answers.model_type
            pytest.skip(f"not observable: this version of transformers offers none for {kind}")
        compare_trials(trials["checkpointed"], trials["reference"], exact(trials))

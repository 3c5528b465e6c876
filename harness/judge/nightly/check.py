"""A night: does a cell still do what was accepted?

Nothing is trained that earlier runs have made needless: a run of the recipe's own seed that is
equal to the accepted one, to the last bit, settles it. Else runs of other seeds follow, other ones
every night, in rounds, while it is open whether anything was lost, or while the history is
suspicious.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt

from harness.core import digest
from harness.core.record import Record
from harness.judge import statistics, tolerances
from harness.judge.cell import Cell
from harness.judge.finding import Status
from harness.judge.metric_kinds import MetricKind, kind_of
from harness.judge.nightly import cusum
from harness.judge.nightly.baseline import FEWEST, Accepted, Reference
from harness.judge.nightly.other_recipe import different
from harness.judge.nightly.signals import ROUND, SPEED
from harness.judge.runs.result import Result
from harness.judge.statistics import ALPHA, Effect
from harness.judge.store.local import Store

MOST_ROUNDS = 1 + cusum.AGAIN

FALSE_ALARM = 1e-4
"""Share of a cell's nights that may call a loss what is none: one night a year among 24 cells."""

GAIN = 0.01
"""The same for a gain, which fails nothing."""

FIRST = 5
"""Steps whose loss and gradient norm must be what was accepted, to rounding."""

Run = Callable[[Cell], Result]
"""Gets a cell's record, trained tonight."""

_GRAVEST: tuple[Status, ...] = ("regressed", "inconclusive", "fixed", "same")


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What a night says of a cell.

    Attributes:
        standing: `same`, `fixed` if it is better, `regressed`, `inconclusive`, `not measured`.
        message: what a reviewer should read.
    """

    standing: Status
    message: str


@dataclass(slots=True, kw_only=True)
class Night:
    """One cell's night.

    Attributes:
        date: ISO date.
        run: trains, or gets what was trained tonight.
        store: has the accepted runs.
        cell: as its suite declares it.
        reference: what was accepted of it, if anything was.
        elsewhere: classes of devices that something was accepted on, this one left out.
        margin: what each metric that is compared may lose.
        suspicion: of some figures, what the history makes of the runs so far, 0 to 1.
        fits: whether a run that takes so many seconds fits into what is left of the night.
        results: the runs so far, that of the recipe's own seed first.
    """

    date: str
    run: Run
    store: Store
    cell: Cell
    reference: Reference | None
    margin: float
    suspicion: Callable[[Sequence[Result], Sequence[str]], float]
    fits: Callable[[float], bool]
    elsewhere: Sequence[str] = ()
    results: list[Result] = field(default_factory=list)

    @property
    def metrics(self) -> Sequence[str]:
        """Names of the metrics that are compared: the rows may have decided them."""
        return self.results[0].record.compared_metrics

    def judge(self) -> Judgement:
        """Train what it takes, and compare.

        Raises:
            HarnessError: a run could not be had.
        """
        self.results.append(self.run(self.cell))
        own = self.results[0].record
        if self.reference is None:
            self._round()
            message = "nothing was accepted of it"
            if self.elsewhere:
                message += f" on this device, only on {', '.join(self.elsewhere)}"
            return Judgement(standing="not measured", message=message)
        accepted = self.reference.rolling
        changed = different(accepted, own)
        if changed:
            self._round()
            return Judgement(
                standing="not measured", message=f"what was accepted is another recipe: {changed}"
            )
        if self._equal(accepted, own):
            while self._doubted(SPEED) and self._round():
                pass
            return Judgement(standing="same", message="equal to what was accepted, to the last bit")
        while self._round():
            judgement = self._compared(self.reference)
            if judgement.standing == "regressed":
                return judgement
            if judgement.standing != "inconclusive" and not self._doubted(*self.metrics, SPEED):
                return judgement
        return self._compared(self.reference)

    def _equal(self, accepted: Accepted, own: Record) -> bool:
        """Whether a run predicts what the accepted one of its seed did, and has its metrics."""
        before, after = accepted.runs[0], own.evaluation().metrics
        metrics = all(before.metrics.get(name) == after.get(name) for name in self.metrics)
        return metrics and before.predictions == answers(own)

    def _doubted(self, *figures: str) -> bool:
        """Whether the history suspects some figures, so that more runs would tell most here."""
        return self.suspicion(self.results, figures) > cusum.SUSPICIOUS

    def _round(self) -> bool:
        """Train other seeds until a round is full; whether any was trained."""
        before = len(self.results)
        if before >= MOST_ROUNDS * ROUND:
            return False
        while len(self.results) == before or len(self.results) % ROUND:
            if not self.fits(sum(self.results[0].record.phases.values())):
                break
            self.results.append(self.run(self.cell.varied(seed=self._seed(len(self.results)))))
        return len(self.results) > before

    def _seed(self, index: int) -> int:
        """The seed of tonight's run of that index, which no other night has."""
        nights = date.fromisoformat(self.date).toordinal()
        return self.cell.recipe.seed + nights * MOST_ROUNDS * ROUND + index

    def _compared(self, reference: Reference) -> Judgement:
        """What tonight's runs are beside both references."""
        judgements = [_first_steps(reference.rolling, self.results[0].record)]
        for name in self.metrics:
            near = self._metric(name, reference.rolling, "")
            judgements.append(near)
            if reference.anchor != reference.rolling:
                far = self._metric(name, reference.anchor, "since the anchor, ")
                judgements += [far] if far.standing != near.standing else []
        judgements.append(_speed(reference.rolling, [result.record for result in self.results]))
        standing = min((judgement.standing for judgement in judgements), key=_GRAVEST.index)
        return Judgement(
            standing=standing, message="\n".join(judgement.message for judgement in judgements)
        )

    def _metric(self, name: str, accepted: Accepted, since: str) -> Judgement:
        """A metric over runs, and over examples where it is the mean of what each of them gets."""
        kind = kind_of(name)
        before, after = _values(name, [run.metrics for run in accepted.runs]), self._tonight(name)
        if before is None or after is None:
            whose = "what was accepted" if before is None else "tonight's evaluation"
            message = f"{since}{whose} has no {name} that is a number"
            standing: Status = "inconclusive" if before is None else "regressed"
            return Judgement(standing=standing, message=message)
        if min(len(before), len(after)) < FEWEST:
            message = f"one run does not tell how far {name} has moved"
            return Judgement(standing="inconclusive", message=message)
        sides = self._answers(accepted) if kind.by_example else None
        how = "" if sides else "run by run, "
        ours, theirs = sides or (_gains(kind, before), _gains(kind, after))
        effect = statistics.unpaired(ours, theirs, self.margin)
        return Judgement(
            standing=_standing(effect, len(self.metrics)),
            message=(
                f"{since}{name} {before.mean():.4f} → {after.mean():.4f}, by "
                f"{kind.change(effect.mean, effect.low, effect.high)} {how}over {len(before)} "
                f"and {len(after)} runs; {kind.margin(self.margin)} may be lost"
            ),
        )

    def _tonight(self, name: str) -> npt.NDArray[np.float64] | None:
        """A metric of tonight's runs; None if one has none."""
        return _values(name, [result.record.evaluation().metrics for result in self.results])

    def _answers(
        self, accepted: Accepted
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
        """What was right, (runs, examples), accepted and tonight.

        None where the accepted runs are not in the store any more, or were of other examples, or
        where no example is simply right or wrong.
        """
        kept = [self.store.open(f"records/{run.record}") for run in accepted.runs]
        ours = [Record.read(folder).correctness() for folder in kept if folder is not None]
        theirs = [result.record.correctness() for result in self.results]
        rows = theirs[0][0]
        alike = all(np.array_equal(others, rows) for others, _ in [*ours, *theirs])
        if len(ours) < len(kept) or not (len(rows) and alike):
            return None
        return np.stack([right for _, right in ours]), np.stack([right for _, right in theirs])


def _values(name: str, runs: Sequence[Mapping[str, float]]) -> npt.NDArray[np.float64] | None:
    """A metric of some runs, from the metrics of each; None if one has none that is a number."""
    values = [run.get(name, np.nan) for run in runs]
    return np.asarray(values) if np.isfinite(values).all() else None


def _gains(kind: MetricKind, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A metric of some runs where more is better, as one example of each run."""
    return np.asarray([[kind.gain(value)] for value in values])


def answers(record: Record) -> str:
    """Digest of what a run predicts in the end, example by example."""
    return digest.of_bytes(record.arrays["final.predictions"].tobytes())


def first(record: Record) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Losses of a run's first steps, and those gradient norms that the loop reports."""
    steps = record.steps[:FIRST]
    norms = tuple(step.grad_norm for step in steps if step.grad_norm is not None)
    return tuple(step.loss for step in steps), norms


def _first_steps(accepted: Accepted, record: Record) -> Judgement:
    """Whether the first steps are what was accepted, to rounding."""
    half = record.recipe.precision(record.device) != "no"
    band = tolerances.BFLOAT16 if half else tolerances.SINGLE
    losses, norms = first(record)
    if len(losses) != len(accepted.losses):
        message = f"there are {len(losses)} first steps, were {len(accepted.losses)}"
        return Judgement(standing="regressed", message=message)
    for name, ours, theirs in (("loss", accepted.losses, losses), ("norm", accepted.norms, norms)):
        for step, (left, right) in enumerate(zip(ours, theirs, strict=False), 1):
            if not abs(left - right) <= band * max(1.0, abs(left)):
                message = f"{name} of step {step} was {left:.6g}, is {right:.6g}"
                return Judgement(standing="regressed", message=message)
    return Judgement(standing="same", message="first steps as accepted")


def _standing(effect: Effect, metrics: int) -> Status:
    """What an effect on one of some metrics comes to, with few enough false alarms for a night."""
    if effect.worse > ALPHA:
        return "regressed" if effect.unharmed <= FALSE_ALARM / metrics else "inconclusive"
    return "fixed" if 1 - effect.unharmed <= GAIN / metrics else "same"


def _speed(accepted: Accepted, records: list[Record]) -> Judgement:
    """How fast it was; never judged, for no two nights' machines are alike: history follows it."""
    before = np.log([run.samples_per_second for run in accepted.runs])
    after = np.log([record.samples_per_second for record in records])
    spread = float(np.exp(np.std(before, ddof=1)) - 1)
    times = np.exp(after.mean() - before.mean())
    message = f"{times:.2f} times as fast (accepted ± {spread:.0%})"
    return Judgement(standing="same", message=message)

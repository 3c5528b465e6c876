"""A paired cell: one cell in both environments, from its first steps to its speed.

Nothing is compared that a sharper comparison has decided: runs that are equal to the last bit are
equally accurate.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from harness.core.errors import HarnessError
from harness.core.record import Record
from harness.judge import statistics
from harness.judge.cell import Cell
from harness.judge.finding import Finding, Stage, Status
from harness.judge.gate import compare, read_rows, throughput
from harness.judge.metric_kinds import kind_of, reported
from harness.judge.runs.runner import Runner
from harness.judge.statistics import Effect

NUDGE = 1e-6
"""A learning rate raised by this share moves every update by about the rounding of float32."""

REPEATS = 3
"""A candidate may drift this many times as far as repeats of the base do."""

FEWEST_SEEDS, MOST_SEEDS = 3, 10

RUNS = "runs"
"""Name of a finding about a cell one of whose runs was lost."""

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A cell's runs on both sides.

    Attributes:
        cell: as findings name it.
        base: loss of every step.
        candidate: likewise.
        figures: by name, of the base and of the candidate.
        answers: evaluated examples by who is right: `both`, `base only`, `candidate only`,
            `neither`; empty if the sides evaluated other examples.
        bit_equal: whether the runs are equal to the last bit.
    """

    cell: str
    base: tuple[float, ...]
    candidate: tuple[float, ...]
    figures: Mapping[str, tuple[float, float]]
    answers: Mapping[str, int]
    bit_equal: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """One cell on both sides.

    Attributes:
        base: has its runs of the base.
        candidate: and of the candidate.
        cell: to compare.
        name: of the cell in findings.
        margin: what each metric that the data set compares may lose.
        say: called with each thing that is begun.
    """

    base: Runner
    candidate: Runner
    cell: Cell
    name: str
    margin: float
    say: Say

    @property
    def sides(self) -> tuple[Runner, Runner]:
        """Base and candidate."""
        return self.base, self.candidate

    def findings(self) -> Iterator[Finding]:
        """What differs in what both sides compute.

        Raises:
            HarnessError: a run was lost.
        """
        cell = self.cell
        left, right = self.base.trials(cell), self.candidate.trials(cell)
        yield from compare.contracts(left, right)
        ours, theirs = self.base.run(cell).record, self.candidate.run(cell).record
        yield from compare.arguments(ours, theirs)
        if cell.dataset.own is not None:
            before, after = (side.inputs.find(cell).tables for side in self.sides)
            message = read_rows.difference(before, after)
            yield self._finding("data", "rows", "regressed" if message else "same", message)
            if message:  # what is computed of other rows says nothing of the environment
                return
        parting = compare.first_steps(left, right)
        yield self._finding(
            "first steps",
            "fingerprint",
            "regressed" if parting.likeness == "different" else "same",
            parting.description,
        )
        if compare.bit_equal(ours, theirs):
            return
        self.say(f"{self.name}: {parting.description}; repeating")
        yield self._training(ours, theirs)
        for name in ours.compared_metrics:
            by_example = kind_of(name).by_example and ours.task == "single_label_classification"
            yield self._by_example(name) if by_example else self._run_by_run(name)

    def _finding(
        self, stage: Stage, name: str, standing: Status, message: str, **figures: float
    ) -> Finding:
        """A finding of this cell."""
        return Finding(
            stage=stage,
            cell=self.name,
            name=name,
            standing=standing,
            message=message,
            figures=figures,
        )

    def lost(self, error: HarnessError) -> Finding:
        """A run of this cell was lost, so that something is not known."""
        return self._finding("training", RUNS, "not measured", error.what)

    def pair(self) -> Pair:
        """Both runs of a cell, to be shown."""
        ours, theirs = (side.run(self.cell).record for side in self.sides)
        before, after = ours.evaluation().metrics, theirs.evaluation().metrics
        names = [name for name in (*reported(before), "loss") if name in before and name in after]
        return Pair(
            cell=self.name,
            base=tuple(step.loss for step in ours.steps),
            candidate=tuple(step.loss for step in theirs.steps),
            figures={
                **{name: (before[name], after[name]) for name in names},
                "padding": (ours.padding, theirs.padding),
            },
            answers=_answers(ours, theirs),
            bit_equal=compare.bit_equal(ours, theirs),
        )

    def race(self) -> Finding:
        """What training a cell costs on both sides; a rise must show twice."""
        self.say(f"{self.name}: both sides train in turn")
        try:
            return self._raced()
        except HarnessError as error:
            return self.lost(error)

    def _raced(self) -> Finding:
        """The same; raises if a run was lost."""
        ratios = throughput.race(self.base.timed, self.candidate.timed, self.cell)
        worse = throughput.worse(ratios)
        if worse:
            self.say(f"{self.name}: {', '.join(worse)} cost more; again, to be sure")
            ratios = throughput.race(self.base.timed, self.candidate.timed, self.cell, confirm=True)
            worse = [cost for cost in throughput.worse(ratios) if cost in worse]
        standing: Status = "regressed" if worse else "same"
        return self._finding(
            "throughput",
            " and ".join(worse) or "costs",
            standing if throughput.conclusive(ratios) else "inconclusive",
            throughput.description(ratios),
            **{
                f"{cost} {name}": value
                for cost, ratio in ratios.items()
                for name, value in asdict(ratio).items()
            },
        )

    def _training(self, ours: Record, theirs: Record) -> Finding:
        """Losses step by step, beside how far a nudged base strays, and the base of other seeds."""
        nudged = [self.base.run(_nudged(self.cell, share)).record for share in (NUDGE, -NUDGE)]
        strays = [compare.drift(ours, other) for other in nudged]
        seeds = [self.base.run(_seeded(self.cell, extra)).record for extra in range(FEWEST_SEEDS)]
        apart = [abs(compare.drift(a, b).mean) for a, b in combinations(seeds, 2)]
        drift = compare.drift(ours, theirs)
        rounded = drift.largest <= REPEATS * max(stray.largest for stray in strays) and (
            abs(drift.mean) <= REPEATS * max(abs(stray.mean) for stray in strays)
        )
        standing: Status = "same" if rounded else "changed"
        if not abs(drift.mean) <= REPEATS * max(apart):
            standing = "regressed"
        return self._finding(
            "training",
            "losses",
            standing,
            (
                f"losses part at step {drift.part}: by {drift.largest:.2g} at most, by "
                f"{drift.mean:+.2g} on average; other seeds by {max(apart):.2g}"
            ),
            step=drift.part,
            largest=drift.largest,
            mean=drift.mean,
        )

    def _by_example(self, name: str) -> Finding:
        """A metric that is the share of right answers, compared example by example."""
        (rows, _), (others, _) = (side.run(self.cell).record.correctness() for side in self.sides)
        if not (len(rows) and np.array_equal(rows, others)):
            message = f"predictions were of {len(rows)} examples, now of {len(others)} others"
            return self._finding("accuracy", name, "regressed", message, p=0.0)

        def differences() -> Iterator[npt.NDArray[np.float64]]:
            for ours, theirs in self._seeds():
                (_, before), (_, after) = ours.correctness(), theirs.correctness()
                yield after - before

        effect = statistics.sequential(differences(), self.margin, FEWEST_SEEDS)
        return self._moved(name, effect, "")

    def _run_by_run(self, name: str) -> Finding:
        """A metric that has no value of each example, compared over the runs of both sides."""
        kind, differences = kind_of(name), np.empty(0)
        for ours, theirs in self._seeds():
            before, after = (r.evaluation().metrics.get(name, math.nan) for r in (ours, theirs))
            if not (math.isfinite(before) and math.isfinite(after)):
                message = f"{name} was {before:.4f}, is {after:.4f}: it must be a number"
                standing: Status = "regressed" if math.isfinite(before) else "not measured"
                return self._finding("accuracy", name, standing, message, p=0.0)
            differences = np.append(differences, kind.gain(after) - kind.gain(before))
            if len(differences) >= FEWEST_SEEDS:
                effect = statistics.effect_of_runs(differences, self.margin)
                if effect.answer != "open":
                    break
        return self._moved(name, effect, ", run by run, for no example has one of its own")

    def _moved(self, name: str, effect: Effect, how: str) -> Finding:
        """How far a metric moves, over as many seeds as it took to tell.

        What is still open then is a regression if something is lost, surely, for it was not shown
        to be little.
        """
        kind = kind_of(name)
        return self._finding(
            "accuracy",
            name,
            "regressed" if effect.loses else _ANSWERS[effect.answer],
            (
                f"{name} moves by {kind.change(effect.mean, effect.low, effect.high, digits=3)} "
                f"over {effect.seeds} seeds{how}; {kind.margin(self.margin)} may be lost"
            ),
            mean=effect.mean,
            low=effect.low,
            high=effect.high,
            p=effect.unharmed,
        )

    def _seeds(self) -> Iterator[tuple[Record, Record]]:
        """The runs of both sides, of one seed after another."""
        for extra in range(MOST_SEEDS):
            seeded = _seeded(self.cell, extra)
            yield self.base.run(seeded).record, self.candidate.run(seeded).record


_ANSWERS: Mapping[str, Status] = {
    "loses no more": "same",
    "loses more": "regressed",
    "open": "inconclusive",
}


def _seeded(cell: Cell, extra: int) -> Cell:
    """The cell with another seed; its own where `extra` is 0."""
    return cell.varied(seed=cell.recipe.seed + extra)


def _nudged(cell: Cell, share: float) -> Cell:
    """The cell with a learning rate that is another by rounding only."""
    rate = cell.recipe.learning_rate * (1 + share)
    return cell.varied(learning_rate=rate)


def _answers(ours: Record, theirs: Record) -> Mapping[str, int]:
    """How many examples each side, both or neither predicts right."""
    (rows, before), (others, after) = ours.correctness(), theirs.correctness()
    if not np.array_equal(rows, others):
        return {}
    return {
        "both": int(np.sum(before * after)),
        "base only": int(np.sum(before * (1 - after))),
        "candidate only": int(np.sum((1 - before) * after)),
        "neither": int(np.sum((1 - before) * (1 - after))),
    }

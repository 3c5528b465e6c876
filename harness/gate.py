"""The gate: the same suites in two environments, and whether the second may replace the first.

Suites run in each through pytest, as a user would run them; what differs is then looked at from
the sharpest question to the bluntest, and no further than the question needs.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from harness import allowances, changes, comparison, racing, statistics
from harness.allowances import Allowance
from harness.attribute import Culprit
from harness.changes import Change
from harness.collecting import Declared
from harness.comparison import Parting
from harness.errors import HarnessError, RunError
from harness.finding import Finding, Standing
from harness.record import Record
from harness.runner import Runner
from harness.spec import Cell

NUDGE = 1e-6
"""A learning rate raised by this share moves every update by about the rounding of float32."""

REPEATS = 3
"""A candidate may drift this many times as far as repeats of the base do."""

FEWEST_SEEDS, MOST_SEEDS = 3, 6

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A cell's runs on both sides.

    Attributes:
        cell: as findings name it.
        base: loss of every step.
        candidate: likewise.
        figures: by name, of the base and of the candidate.
        bit_equal: whether the runs are equal to the last bit.
    """

    cell: str
    base: tuple[float, ...]
    candidate: tuple[float, ...]
    figures: Mapping[str, tuple[float, float]]
    bit_equal: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What the gate has found.

    Attributes:
        base: description of its environment.
        candidate: likewise.
        changes: of packages.
        findings: of every stage.
        unneeded: allowances that no finding needs.
        pairs: the runs of every cell that trained on both sides.
        suites: as pytest takes them.
        culprits: packages that brought the regressions about, where that was asked.
    """

    base: Mapping[str, Any]
    candidate: Mapping[str, Any]
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    unneeded: tuple[Allowance, ...]
    pairs: tuple[Pair, ...]
    suites: tuple[str, ...]
    culprits: tuple[Culprit, ...] = ()

    @property
    def bit_equal(self) -> tuple[int, int]:
        """How many cells trained bit-equal, and how many trained on both sides."""
        return sum(pair.bit_equal for pair in self.pairs), len(self.pairs)


class Gate:
    """Compares a base and a candidate."""

    def __init__(
        self,
        base: Runner,
        candidate: Runner,
        suites: Sequence[str],
        cells: Mapping[Cell, Declared],
        *,
        races: bool = True,
    ) -> None:
        """Compare what two runners have of the cells of some suites, their speed too if asked."""
        self.races = races
        self.base, self.candidate = base, candidate
        self.sides = (base, candidate)
        self.suites, self.cells = suites, cells

    def compare(self, asked: Iterable[str], allowed: Sequence[Allowance], say: Say) -> Comparison:
        """Run the suites on both sides, and look at what differs.

        Args:
            asked: requirements that the user named.
            allowed: differences that may be.
            say: called with each thing that is begun.

        Raises:
            SpecError: there is nothing to compare.
            RunError: pytest itself failed on a side.
        """
        base, candidate = self.base.environment(), self.candidate.environment()
        changed = changes.between(base, candidate, asked)
        for change in changed:
            dragged = "" if change.asked else "  (dragged along)"
            say(f"{change.package}: {change.before or 'none'} -> {change.after or 'none'}{dragged}")
        say("base: running the suites")
        before = self._judged(self.base)
        say("candidate: running the suites")
        after = self._judged(self.candidate)
        findings = list(_invariants(before, after))
        pairs: list[Pair] = []
        contracts: dict[str, Finding] = {}
        for cell in self.cells:
            try:
                compared = [*self._compare_cell(cell, say)]
            except HarnessError:
                continue  # a run that was lost has failed every test of its cell
            pairs.append(self._pair(cell))
            contracts |= {found.id: found for found in compared if found.stage == "contracts"}
            findings += [found for found in compared if found.stage != "contracts"]
        if self.races:
            findings += [self._race(cell, say) for cell in racing.chosen([*self.cells])]
        told, unneeded = allowances.apply([*contracts.values(), *_controlled(findings)], allowed)
        return Comparison(
            base=base,
            candidate=candidate,
            changes=changed,
            findings=told,
            unneeded=unneeded,
            pairs=tuple(pairs),
            suites=tuple(self.suites),
        )

    def recheck(self, candidate: Runner, findings: Sequence[Finding]) -> bool:
        """Whether another candidate shows any of some findings, which are all of one cell."""
        (name,) = {finding.cell for finding in findings}
        cells = {cell: told for cell, told in self.cells.items() if self._name(cell) == name}
        other = Gate(self.base, candidate, self.suites, cells)
        tests = [finding.name for finding in findings if finding.stage == "invariants"]
        if tests:
            suite, _, cell_name = name.partition("/")
            only = f"({' or '.join(tests)}) and {suite} and {cell_name}"
            before, after = (self._judged(side, "-k", only) for side in other.sides)
            found = [*_invariants(before, after)]
        else:
            found = [f for cell in cells for f in other._compare_cell(cell, lambda _: None)]
        return any(finding.standing == "regressed" for finding in found)

    def _name(self, cell: Cell) -> str:
        """How findings name a cell."""
        return f"{self.cells[cell].suite}/{cell.name}"

    def _judged(self, side: Runner, *selected: str) -> dict[str, Any]:
        """What became of every test on a side, by its id."""
        settings = side.settings
        with TemporaryDirectory() as reports:
            options = {
                "python": settings.python,
                "store": settings.store,
                "reports": reports,
                "scale": "tiny",
            }
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "pytest", *self.suites, "-q"),
                    *("-p", "no:cacheprovider", *selected),
                    *(f"--harness-{name}={value}" for name, value in options.items()),
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            written = Path(reports, "session.json")
            if not written.is_file():
                lines = (done.stdout + done.stderr).splitlines()[-15:]
                raise RunError(
                    f"pytest ended with {done.returncode}", why="\n".join(f"  | {x}" for x in lines)
                )
            told: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))["outcomes"]
        return told

    def _compare_cell(self, cell: Cell, say: Say) -> Iterator[Finding]:
        """What differs in a cell: nothing is asked that the answers before have answered."""
        left, right = self.base.trials(cell), self.candidate.trials(cell)
        yield from comparison.contracts(left, right)
        ours, theirs = self.base.run(cell).record, self.candidate.run(cell).record
        yield from comparison.arguments(ours, theirs)
        parting = comparison.first_steps(left, right)
        yield self._first_steps(cell, parting)
        if comparison.bit_equal(ours, theirs):
            return
        say(f"{self._name(cell)}: {parting.words}; repeating")
        yield self._training(cell, ours, theirs)
        yield self._accuracy(cell)

    def _pair(self, cell: Cell) -> Pair:
        """Both runs of a cell, to be shown."""
        ours, theirs = (side.run(cell).record for side in self.sides)
        before, after = ours.evaluation().metrics, theirs.evaluation().metrics
        names = [name for name in ("accuracy", "f1", "loss") if name in before and name in after]
        return Pair(
            cell=self._name(cell),
            base=tuple(step.loss for step in ours.steps),
            candidate=tuple(step.loss for step in theirs.steps),
            figures={
                **{name: (before[name], after[name]) for name in names},
                "padding": (ours.padding, theirs.padding),
            },
            bit_equal=comparison.bit_equal(ours, theirs),
        )

    def _first_steps(self, cell: Cell, parting: Parting) -> Finding:
        """What the first steps of a cell come to."""
        return Finding(
            stage="first steps",
            cell=self._name(cell),
            name="fingerprint",
            standing="regressed" if parting.likeness == "different" else "same",
            words=parting.words,
        )

    def _race(self, cell: Cell, say: Say) -> Finding:
        """How fast a cell trains on both sides; a slowdown must show twice."""
        say(f"{self._name(cell)}: both sides train in turn")
        found = racing.race(self.base.timed, self.candidate.timed, cell)
        slower = racing.slower(found)
        if slower:
            say(f"{self._name(cell)}: slower in {', '.join(slower)}; again, to be sure")
            found = racing.race(self.base.timed, self.candidate.timed, cell)
            slower = [phase for phase in racing.slower(found) if phase in slower]
        standing: Standing = "regressed" if slower else "same"
        return Finding(
            stage="throughput",
            cell=self._name(cell),
            name=" and ".join(slower) or "seconds",
            standing=standing if racing.told(found) else "inconclusive",
            words=racing.words(found),
            figures={phase: ratio.mean for phase, ratio in found.items()},
        )

    def _training(self, cell: Cell, ours: Record, theirs: Record) -> Finding:
        """Losses step by step, beside how far a nudged base strays, and the base of other seeds."""
        nudged = [self.base.run(_nudged(cell, share)).record for share in (NUDGE, -NUDGE)]
        strays = [comparison.drift(ours, other) for other in nudged]
        seeds = [self.base.run(_seeded(cell, extra)).record for extra in range(FEWEST_SEEDS)]
        apart = [abs(comparison.drift(a, b).mean) for a, b in combinations(seeds, 2)]
        found = comparison.drift(ours, theirs)
        rounded = found.largest <= REPEATS * max(stray.largest for stray in strays) and (
            abs(found.mean) <= REPEATS * max(abs(stray.mean) for stray in strays)
        )
        standing: Standing = "same" if rounded else "changed"
        if not abs(found.mean) <= REPEATS * max(apart):
            standing = "regressed"
        return Finding(
            stage="training",
            cell=self._name(cell),
            name="losses",
            standing=standing,
            words=(
                f"losses part at step {found.part}: by {found.largest:.2g} at most, by "
                f"{found.mean:+.2g} on average; other seeds by {max(apart):.2g}"
            ),
            figures={"step": found.part, "largest": found.largest, "mean": found.mean},
        )

    def _accuracy(self, cell: Cell) -> Finding:
        """Right answers example by example, over more seeds while the answer is open."""
        margin = self.cells[cell].thresholds.margin
        differences: list[npt.NDArray[np.float64]] = []
        found = None
        for extra in range(MOST_SEEDS):
            seeded = _seeded(cell, extra)
            before, after = (_right(side.run(seeded).record) for side in self.sides)
            differences.append(after - before)
            if len(differences) >= FEWEST_SEEDS:
                found = statistics.effect(np.stack(differences), margin)
                if found.answer != "open":
                    break
        assert found is not None  # noqa: S101 - there are that many seeds
        standing: Standing = _ANSWERS[found.answer]
        return Finding(
            stage="accuracy",
            cell=self._name(cell),
            name="accuracy",
            standing=standing,
            words=(
                f"accuracy moves by {found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}] over "
                f"{len(differences)} seeds; {margin:g} may be lost"
            ),
            figures={"mean": found.mean, "low": found.low, "high": found.high, "p": found.better},
        )


_ANSWERS: Mapping[str, Standing] = {
    "loses no more": "same",
    "loses more": "regressed",
    "open": "inconclusive",
}
_FAILED = {"failed", "error", "xfailed"}
"""Outcomes of a test that speak against its side; a known deviation is one."""


def _seeded(cell: Cell, extra: int) -> Cell:
    """The cell with another seed; its own where `extra` is 0."""
    return replace(cell, recipe=replace(cell.recipe, seed=cell.recipe.seed + extra))


def _nudged(cell: Cell, share: float) -> Cell:
    """The cell with a learning rate that is another by rounding only."""
    rate = cell.recipe.learning_rate * (1 + share)
    return replace(cell, recipe=replace(cell.recipe, learning_rate=rate))


def _right(run: Record) -> npt.NDArray[np.float64]:
    """Whether each evaluated example was predicted right, in an order that both sides share."""
    order = np.argsort(run.arrays["final.rows"], kind="stable")
    predicted = run.arrays["final.predictions"].argmax(axis=-1)
    right: npt.NDArray[np.float64] = (predicted == run.arrays["final.labels"]).astype(np.float64)
    return right[order]


def _invariants(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Finding]:
    """What became of each test on both sides."""
    for test in sorted(before.keys() | after.keys()):
        ours, theirs = before.get(test, _ABSENT), after.get(test, _ABSENT)
        failed, fails = ours["outcome"] in _FAILED, theirs["outcome"] in _FAILED
        standing: Standing = "same"
        if failed or fails:
            standing = "known" if failed and fails else "fixed" if failed else "regressed"
        elif ours["outcome"] == "passed" != theirs["outcome"]:
            standing = "not measured"
        elif ours["outcome"] != "passed":
            continue
        suite, _, name = test.rpartition("::")
        name, _, cell = name.partition("[")
        told = ours if standing == "fixed" else theirs
        yield Finding(
            stage="invariants",
            cell=f"{suite.rpartition('::')[2]}/{cell.removesuffix(']')}",
            name=name,
            standing=standing,
            words="" if standing == "same" else told["message"],
        )


_ABSENT = {"outcome": "absent", "message": "the test is not there"}


def _controlled(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Findings, those losses of accuracy open again that so many tests would show by chance."""
    judged = [found for found in findings if found.stage == "accuracy"]
    believed = statistics.discoveries([found.figures["p"] for found in judged])
    doubted = {
        found.id
        for found, real in zip(judged, believed, strict=True)
        if found.standing == "regressed" and not real
    }
    for found in findings:
        yield replace(found, standing="inconclusive") if found.id in doubted else found

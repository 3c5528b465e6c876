"""The gate: the same suites in two environments, and whether the second may replace the first.

Suites run in each through pytest, as a user would run them; what differs is then looked at from
the sharpest question to the bluntest, and no further than the question needs.
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.core.errors import HarnessError, RunError
from harness.judge import statistics
from harness.judge.cell import Cell
from harness.judge.document import Document
from harness.judge.finding import Finding, Stage
from harness.judge.gate import allowlist, outcomes, packages, throughput
from harness.judge.gate.allowlist import Allowance
from harness.judge.gate.bisect import Attribution
from harness.judge.gate.outcomes import LOST, Outcomes
from harness.judge.gate.packages import Change
from harness.judge.gate.paired_cell import RUNS, Match, Pair, Say
from harness.judge.runs.runner import Runner
from harness.judge.session_record import NAME, SessionRecord
from harness.judge.suite.collect import SuiteCell


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What the gate has compared, and what that comes to.

    Attributes:
        base: description of its environment.
        candidate: likewise.
        changes: of packages.
        findings: of every stage.
        unneeded: allowances that no finding needs.
        pairs: the runs of every cell that trained on both sides.
        suites: as pytest takes them.
        attributions: which packages brought the regressions about, where that was wanted.
        rebased: changes that making the base took, against the running environment.
        dragged: changes of core packages, the base's too, that nobody wanted or allowed.
        options: of pytest's that say what was judged, and how, and where records are.
        allowing: the gate's own that say what may differ.
    """

    base: Mapping[str, Any]
    candidate: Mapping[str, Any]
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    unneeded: tuple[Allowance, ...]
    pairs: tuple[Pair, ...]
    suites: tuple[str, ...]
    attributions: tuple[Attribution, ...] = ()
    rebased: tuple[Change, ...] = ()
    dragged: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    allowing: tuple[str, ...] = ()

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
        cells: Mapping[Cell, SuiteCell],
        *,
        races: bool = True,
    ) -> None:
        """Compare the cells of some suites in two environments; their speed, too, if `races`."""
        self.races = races
        self.base, self.candidate = base, candidate
        self.sides = (base, candidate)
        self.suites, self.cells = suites, cells
        self._base_outcomes: Outcomes = {}

    def compare(
        self, requested: Iterable[str], allowed: Sequence[Allowance], say: Say
    ) -> Comparison:
        """Run the suites on both sides, and look at what differs.

        Args:
            requested: packages that the user named.
            allowed: differences that may be.
            say: called with each thing that is begun.

        Raises:
            SpecError: there is nothing to compare.
            InterpreterError: a side cannot import what is to be judged.
            RunError: pytest itself failed on a side.
        """
        base, candidate = self.base.environment(), self.candidate.environment()
        changed = packages.between(base, candidate, requested)
        for change in changed:
            say(change.description)
        for side in (self.candidate, self.base):
            side.launcher.start()
        say("base: running the suites")
        before = self._judged(self.base, self.suites)
        say("candidate: running the suites")
        after = self._judged(self.candidate, self.suites)
        self._base_outcomes = before
        findings = [*outcomes.compare(before, after)]
        lost = {finding.cell for finding in findings if finding.name == LOST}
        pairs: list[Pair] = []
        contracts: dict[str, Finding] = {}
        for cell in self.cells:
            match = self._match(cell, say)
            try:
                compared = [*match.findings()]
            except HarnessError as error:
                if match.name not in lost:
                    findings.append(match.lost(error))
                continue
            pairs.append(match.pair())
            contracts |= {
                finding.id: finding for finding in compared if finding.stage == "contracts"
            }
            findings += [finding for finding in compared if finding.stage != "contracts"]
        if self.races:
            chosen = throughput.chosen(
                [cell for cell in self.cells if self._name(cell) not in lost]
            )
            findings += [self._match(cell, say).race() for cell in chosen]
        judged, unneeded = allowlist.apply([*contracts.values(), *_controlled(findings)], allowed)
        return Comparison(
            base=base,
            candidate=candidate,
            changes=changed,
            findings=judged,
            unneeded=unneeded,
            pairs=tuple(pairs),
            suites=tuple(self.suites),
        )

    def recheck(
        self, candidate: Runner, regressions: Sequence[Finding]
    ) -> dict[Finding, bool | None]:
        """Whether another candidate shows some regressions; None where that is unknown.

        Raises:
            InterpreterError: it cannot import what is to be judged.
        """
        tests = sorted({finding.test for finding in regressions if finding.test})
        findings: list[Finding] = []
        if tests:
            try:
                after = self._judged(candidate, tests)
            except RunError:
                candidate.launcher.start()  # where that fails, it says why
                raise
            if any(outcome.lost for outcome in after.values()):
                candidate.launcher.start()
            before = {
                test: outcome for test, outcome in self._base_outcomes.items() if test in after
            }
            findings += outcomes.compare(before, after)
        other = Gate(self.base, candidate, self.suites, self.cells)
        for cell in self.cells:
            stages = {f.stage for f in regressions if f.cell == self._name(cell) and not f.test}
            findings += other._looked_at(cell, stages)
        return {finding: _shows(finding, findings) for finding in regressions}

    def _looked_at(self, cell: Cell, stages: set[Stage]) -> Iterator[Finding]:
        """Findings of a cell, up to the bluntest of some stages."""
        match = self._match(cell, lambda _: None)
        if "throughput" in stages:
            yield replace(match.race(), stage="throughput")  # a lost one, too
        computed = stages - {"throughput"}
        try:
            for finding in match.findings() if computed else ():
                yield finding
                if finding.stage != "accuracy":  # the last one, with a finding for each metric
                    computed.discard(finding.stage)
                if not computed:
                    return
        except HarnessError as error:
            for stage in computed:
                yield replace(match.lost(error), stage=stage)

    def _name(self, cell: Cell) -> str:
        """How findings name a cell."""
        return f"{self.cells[cell].suite}/{cell.name}"

    def _match(self, cell: Cell, say: Say) -> Match:
        """A cell on both sides."""
        return Match(
            base=self.base,
            candidate=self.candidate,
            cell=cell,
            name=self._name(cell),
            margin=self.cells[cell].thresholds.margin,
            say=say,
        )

    def _judged(self, side: Runner, suites: Sequence[str]) -> Outcomes:
        """What became of every test of some suites on a side, by its node id from this folder."""
        with TemporaryDirectory() as reports:
            settings = replace(side.settings, reports=Path(reports))
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "pytest", *suites, "-q", f"--rootdir={Path.cwd()}"),
                    *("-o", f"cache_dir={Path(reports, 'cache')}", *settings.arguments()),
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            written = Path(reports, NAME)
            if not written.is_file():
                lines = (done.stdout + done.stderr).splitlines()[-15:]
                raise RunError(
                    f"pytest ended with {done.returncode}", why="\n".join(f"  | {x}" for x in lines)
                )
            return SessionRecord.decode(Document.read(written)).outcomes


def _shows(regression: Finding, findings: Iterable[Finding]) -> bool | None:
    """Whether findings hold a regression; None if what they say of it decides nothing.

    Where runs are equal to the last bit, blunter comparisons are left out, and it does not.
    """
    about = [
        finding
        for finding in findings
        if (finding.stage, finding.cell) == (regression.stage, regression.cell)
    ]
    if regression.name == LOST:
        about = [finding for finding in about if finding.name == LOST]
    elif regression.test:
        about = [f for f in about if (f.test, f.name) == (regression.test, regression.name)]
        if not about:  # its run was lost, or neither side judged
            return None
    elif regression.stage == "accuracy":
        about = [finding for finding in about if finding.name in {regression.name, RUNS}]
    standings = {finding.standing for finding in about}
    if "regressed" in standings:
        return True
    return None if standings & {"inconclusive", "not measured"} else False


def _controlled(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Findings, those losses of accuracy open again that so many tests would show by chance."""
    judged = [f for f in findings if f.stage == "accuracy" and f.standing != "not measured"]
    believed = statistics.discoveries([finding.figures["p"] for finding in judged])
    doubted = {
        finding.id
        for finding, real in zip(judged, believed, strict=True)
        if finding.standing == "regressed" and not real
    }
    for finding in findings:
        doubtful = finding.id in doubted
        yield replace(finding, standing="inconclusive") if doubtful else finding

"""What test reports say of a session's cells, gathered wherever the tests ran."""

import inspect
import math
from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from harness.core.errors import HarnessError
from harness.judge.node_id import NodeId
from harness.judge.plugin.notes import (
    DISTANCES,
    EXPECTED,
    FIXED,
    KNOWN_ISSUE,
    LOST,
    NIGHT,
    NOISE,
    NOTES,
    PACE,
    REASON,
    ROW,
    SET_ASIDE,
    SUITE,
    TRIED,
)
from harness.judge.plugin.state import ITEM
from harness.judge.reports import broken
from harness.judge.session_parts import FAILED, CellRow, Outcome
from harness.judge.session_record import SessionRecord
from harness.judge.tonight import Tonight

if TYPE_CHECKING:
    from harness.judge.benchmark.row import Pace


@dataclass(slots=True)
class Measured:
    """What a session's reports hold so far; see `SessionRecord`, which it ends in.

    Attributes:
        rows: by suite and cell.
        outcomes: what became of each test, by its id.
        set_aside: corrupt records that were made anew.
        reasons: why cells were not measured, and which.
        judged_trials: how many tests judged trials, or whether a collation is sound.
        paces: of collations that were timed, by the test that did.
        known_issues: that tests show, and how many.
        fixed: known issues that tests no longer show, and how many.
        nights: cells beside their baselines, by suite and cell.
        noise: how far apart trials were that must agree, the largest of every band.
        notes: what a user should know of how what was judged came about.
    """

    rows: dict[str, CellRow] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    set_aside: dict[str, None] = field(default_factory=dict)
    reasons: dict[str, set[str]] = field(default_factory=dict)
    judged_trials: int = 0
    paces: "dict[str, Pace]" = field(default_factory=dict)
    known_issues: Counter[str] = field(default_factory=Counter)
    fixed: Counter[str] = field(default_factory=Counter)
    nights: dict[str, Tonight] = field(default_factory=dict)
    noise: dict[str, float] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)

    @property
    def counts(self) -> Counter[str]:
        """How many tests of suites have each outcome."""
        return Counter(outcome.outcome for outcome in self.outcomes.values())

    @property
    def anything(self) -> bool:
        """Whether anything was measured."""
        return bool(self.rows or self.judged_trials or self.paces)

    def session(self, *, night: str, when: str) -> SessionRecord:
        """The record of the session that ended then, as far as its reports tell."""
        nights = {name: tonight.records for name, tonight in self.nights.items()}
        return SessionRecord(
            night=night,
            when=when,
            cells=tuple(self.rows.values()),
            nights=tuple(self.nights.values()),
            records={name: (row.record,) for name, row in self.rows.items()} | nights,
            paces=tuple(pace.as_json() for pace in self.paces.values()),
            tests=dict(self.counts),
            outcomes=self.outcomes,
            judged_trials=self.judged_trials,
            set_aside=tuple(self.set_aside),
            not_measured={reason: tuple(sorted(ids)) for reason, ids in self.reasons.items()},
            known_issues=dict(self.known_issues),
            fixed_issues=dict(self.fixed),
            notes=tuple(self.notes),
            noise={n: x if math.isfinite(x) else None for n, x in self.noise.items()},
        )


class Gathering:
    """Listens to a session's tests: in each process for what runs, in the first for reports."""

    def __init__(self, config: pytest.Config) -> None:
        """Nothing is measured yet."""
        self.config = config
        self.measured = Measured()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Know the test that runs: fixtures of a whole session ask on behalf of it."""
        self.config.stash[ITEM] = item

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Say what a failed test holds; an error of ours is its message, without traceback."""
        report = yield
        if item.get_closest_marker("harness"):
            report.user_properties.append((SUITE.name, True))
        if report.failed and item.get_closest_marker("harness"):
            if call.excinfo is not None and isinstance(call.excinfo.value, HarnessError):
                report.longrepr = call.excinfo.value.text
            expected = inspect.getdoc(getattr(item, "function", None)) or ""
            report.user_properties.append((EXPECTED.name, expected.partition("\n\n")[0]))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather the notes and the outcome of a test."""
        properties = dict(report.user_properties)
        self.measured.set_aside |= dict.fromkeys(SET_ASIDE.read(properties) or ())
        if SUITE.name in properties:
            self.measured.notes |= dict.fromkeys(NOTES.read(properties) or ())
            self._add_cell(report, properties)
            self._add_test(report, properties)

    def _add_cell(self, report: pytest.TestReport, properties: Mapping[str, object]) -> None:
        """Gather a test's notes of its cell."""
        measured = self.measured
        row, tonight = ROW.read(properties), NIGHT.read(properties)
        if report.when == "setup":
            # Of two processes that have a row for a cell, the one that trained it is right.
            if row is not None and (row.trained or row.name not in measured.rows):
                measured.rows[row.name] = row
            if tonight is not None:
                measured.nights[tonight.name] = tonight
        reason = REASON.read(properties)
        if report.when != "teardown" and reason is not None:
            measured.reasons.setdefault(reason, set()).add(NodeId.parse(report.nodeid).cell_id)
        if report.when == "teardown":
            for band, distance in (NOISE.read(properties) or {}).items():
                measured.noise[band] = max(distance, measured.noise.get(band, 0.0))

    def _add_test(self, report: pytest.TestReport, properties: Mapping[str, object]) -> None:
        """Gather what became of a test of a suite."""
        if report.when == "call":
            pace = PACE.read(properties)
            self.measured.paces |= {} if pace is None else {report.nodeid: pace}
            self.measured.judged_trials += TRIED.read(properties) is not None
            self.measured.known_issues.update(filter(None, [KNOWN_ISSUE.read(properties)]))
            self.measured.fixed.update(filter(None, [FIXED.read(properties)]))
        if report.when == "call" or (report.when == "setup" and not report.passed):
            self.measured.outcomes[report.nodeid] = _outcome(report, properties)


def _outcome(report: pytest.TestReport, properties: Mapping[str, object]) -> Outcome:
    """What became of a test."""
    outcome: str = "error" if report.failed and report.when == "setup" else report.outcome
    if hasattr(report, "wasxfail"):
        outcome = "xfailed" if report.skipped else "xpassed"
    loss = LOST.read(properties)
    return Outcome(
        outcome=outcome,
        message=_message(report),
        expected=EXPECTED.read(properties) or "" if outcome in FAILED else "",
        lost=loss.what if loss else "",
        loss=loss.text if loss and loss.test == report.nodeid else "",
        crashed=loss is not None and loss.crashed,
        distances=DISTANCES.read(properties) or (),
    )


def _message(report: pytest.TestReport) -> str:
    """Why a test did not pass, in a line."""
    if hasattr(report, "wasxfail"):
        return broken.sentence(report.wasxfail)
    if isinstance(report.longrepr, tuple):  # of a skip: file, line and reason
        return broken.sentence(report.longrepr[2].removeprefix("Skipped: "))
    crash = getattr(report.longrepr, "reprcrash", None)
    return broken.sentence(str(crash.message if crash else report.longreprtext))

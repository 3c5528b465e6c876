"""What test reports say of a session's cells, gathered wherever the tests ran."""

import inspect
import json
from collections.abc import Generator, Mapping
from typing import Any

import pytest

from harness.core.errors import HarnessError
from harness.judge.nightly.night import Tonight
from harness.judge.plugin.state import (
    DEVIATION,
    DISTANCES,
    EXPECTED,
    FIXED,
    ITEM,
    LOST,
    NIGHT,
    NOISE,
    PACE,
    REASON,
    ROW,
    SET_ASIDE,
    TRIED,
)
from harness.judge.reports import broken
from harness.judge.reports.session import FAILED, CellRow, Measured, Outcome


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
        if report.failed and item.get_closest_marker("harness"):
            if call.excinfo is not None and isinstance(call.excinfo.value, HarnessError):
                report.longrepr = call.excinfo.value.text
            expected = inspect.getdoc(getattr(item, "function", None)) or ""
            report.user_properties.append((EXPECTED, expected.partition("\n\n")[0]))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather what a test said."""
        properties = dict(report.user_properties)
        if SET_ASIDE in properties:
            known = self.measured.set_aside
            known += [x for x in json.loads(str(properties[SET_ASIDE])) if x not in known]
        if "harness" in report.keywords:
            self._hear(report, properties)

    def _hear(self, report: pytest.TestReport, properties: Mapping[str, object]) -> None:
        """Gather what a test of a suite said."""
        if report.when == "setup":
            self._hear_cell(properties)
        if report.when != "teardown" and REASON in properties:
            suite, _, test = report.nodeid.rpartition("::")
            cell = suite + test.partition("[")[2]
            self.measured.reasons.setdefault(str(properties[REASON]), set()).add(cell)
        if report.when == "teardown" and NOISE in properties:
            self.measured.hear(json.loads(str(properties[NOISE])))
        if report.when == "call":
            self.measured.tried += TRIED in properties
            if PACE in properties:
                from harness.judge.benchmark.row import (
                    Pace,  # sessions without benchmarks need none
                )

                pace = Pace.from_property(str(properties[PACE]))
                self.measured.paces[report.nodeid] = pace
            self.measured.hear_issues(properties.get(DEVIATION), properties.get(FIXED))
        if report.when == "call" or (report.when == "setup" and not report.passed):
            outcome: str = "error" if report.failed and report.when == "setup" else report.outcome
            if hasattr(report, "wasxfail"):
                outcome = "xfailed" if report.skipped else "xpassed"
            self.measured.outcomes[outcome] += 1
            self.measured.tests[report.nodeid] = Outcome(
                outcome=outcome,
                message=_message(report),
                expected=str(properties.get(EXPECTED, "")) if outcome in FAILED else "",
                **self._hear_loss(properties),
                distances=json.loads(str(properties.get(DISTANCES, "[]"))),
            )

    def _hear_cell(self, properties: Mapping[str, object]) -> None:
        """Gather what the first test of a cell said of it."""
        if ROW in properties:
            self.measured.add(CellRow.from_property(str(properties[ROW])))
        if NIGHT in properties:
            tonight = Tonight.from_property(str(properties[NIGHT]))
            self.measured.nights[tonight.name] = tonight

    def _hear_loss(self, properties: Mapping[str, object]) -> dict[str, Any]:
        """Gather why a test had nothing to judge; nothing if it had."""
        if LOST not in properties:
            return {}
        lost = json.loads(str(properties[LOST]))
        self.measured.losses[lost["test"]] = lost["text"]
        return {"lost": lost["what"], "crashed": lost["crashed"]}


def _message(report: pytest.TestReport) -> str:
    """Why a test did not pass, in a line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    message = getattr(report, "wasxfail", "") or (crash.message if crash else report.longreprtext)
    return broken.sentence(str(message))

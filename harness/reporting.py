"""What a session shows while it runs, says when it ends, and leaves in the reports folder."""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import HarnessError, StoreError
from harness.keeping import Keeping
from harness.report import files
from harness.report.session import Measured, Row
from harness.report.table import issue_lines, lines, markdown, noise_lines
from harness.spec import Cell
from harness.stash import (
    DEVIATION,
    FIXED,
    NIGHT,
    NOISE,
    PACE,
    REASON,
    ROW,
    SETTINGS,
    TRIED,
    schedule_of,
)
from harness.tonight import Tonight

if TYPE_CHECKING:
    from harness.record import Record

PLAIN_INTERVAL = 60.0
"""Seconds between plain lines on a long training."""

NOTHING_MEASURED = pytest.ExitCode.NO_TESTS_COLLECTED
"""Pytest's own code for a session that tested nothing."""


class Reporting:
    """Gathers rows from test reports, wherever the tests ran, and reports them once."""

    NAME = "harness-reporting"

    def __init__(self, config: pytest.Config) -> None:
        """Listen for a session."""
        self.config = config
        self.measured = Measured()
        self.deselected = 0
        self.keeping = Keeping(config, self.measured)
        self._announced = ""
        self._told = 0.0

    @property
    def _terminal(self) -> Any:
        """Pytest's terminal reporter; None in a process of pytest-xdist."""
        return self.config.pluginmanager.get_plugin("terminalreporter")

    def progress(self, cell: Cell, step: int, total: int) -> None:
        """Show how far a cell's training is: a live line on a terminal, else one a minute."""
        terminal = self._terminal
        if terminal is None or hasattr(self.config, "workerinput"):
            return
        text = f"training {cell.name}: step {step} of {total} ({step / total:.0%})"
        capture: Any = self.config.pluginmanager.get_plugin("capturemanager")
        with capture.global_and_fixture_disabled():
            if self._announced != cell.name:
                self._announced, self._told = cell.name, float("-inf")
                terminal.ensure_newline()
                if terminal._tw.width_of_current_line:  # noqa: SLF001 - under -q it cannot tell
                    terminal.line("")
            if sys.stdout.isatty():
                terminal.rewrite(text if step < total else "", erase=True)
                terminal.flush()
            elif time.monotonic() - self._told >= PLAIN_INTERVAL:
                self._told = time.monotonic()
                terminal.write_line(text)

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Count a suite's tests that -k or -m left out."""
        self.deselected += sum(1 for item in items if item.get_closest_marker("harness"))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather what a test of a suite said."""
        if "harness" not in report.keywords:
            return
        properties = dict(report.user_properties)
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
                from harness.report.pace import Pace  # sessions without benchmarks need none

                pace = Pace.from_property(str(properties[PACE]))
                self.measured.paces[report.nodeid] = pace
            self.measured.hear_issues(properties.get(DEVIATION), properties.get(FIXED))
        if report.when == "call" or (report.when == "setup" and not report.passed):
            outcome: str = "error" if report.failed and report.when == "setup" else report.outcome
            if hasattr(report, "wasxfail"):
                outcome = "xfailed" if report.skipped else "xpassed"
            self.measured.outcomes[outcome] += 1
            self.measured.tests[report.nodeid] = (outcome, _message(report))

    def _hear_cell(self, properties: Mapping[str, object]) -> None:
        """Gather what the first test of a cell said of it."""
        if ROW in properties:
            self.measured.add(Row.from_property(str(properties[ROW])))
        if NIGHT in properties:
            tonight = Tonight.from_property(str(properties[NIGHT]))
            self.measured.nights[tonight.name] = tonight

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A session that was asked for suites and measured nothing is never green."""
        if hasattr(self.config, "workerinput") or self.config.option.collectonly:
            return
        asked = bool(self.measured.outcomes)
        if asked and not self._anything and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = NOTHING_MEASURED
        try:
            self._keep(session)
        except HarnessError as error:
            self.keeping.told.append(error.text)
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED

    def _keep(self, session: pytest.Session) -> None:
        """Keep the session; one that accepted less than it was asked to, or measured less, fails.

        Raises:
            HarnessError: it could not be kept.
        """
        if self.keeping.worthwhile:
            self.keeping.keep()
        if self.keeping.refused:
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
        if self.keeping.too_little:
            session.exitstatus = session.exitstatus or NOTHING_MEASURED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """One line a cell, why others were not measured, and where the reports are."""
        asked = bool(self.measured.outcomes)
        if self.config.option.collectonly or not (asked or self.deselected):
            return
        write = terminalreporter.write_line
        terminalreporter.section("fine-tuning")
        for line in lines(self.measured):
            write(line)
        for line in self._paces():
            write(line)
        if not self._anything:
            verdict = self._nothing()
            write(verdict, red=True)
        else:
            verdict = self._verdict()
        for reason, cells in self.measured.reasons.items():
            write(f"not measured ({len(cells)} cells): {reason}")
        for line in self._nights():
            write(line)
        for line in noise_lines(self.measured):
            write(line)
        for line in issue_lines(self.measured):
            write(line)
        if asked:
            self._write_files(write, verdict)

    def _paces(self) -> list[str]:
        """What benchmarks timed; nothing without any."""
        if not self.measured.paces:
            return []
        from harness.report import padding

        return padding.lines(self.measured.paces.values())

    def _nights(self) -> list[str]:
        """What the night found; nothing without one."""
        if not self.measured.nights:
            return self.keeping.told
        from harness.report import message

        found = [n for n in self.measured.nights.values() if n.name not in self.keeping.accepted]
        return [f"night: {message.headline(found)}", *message.lines(found), *self.keeping.told]

    @property
    def _anything(self) -> bool:
        """Whether anything was measured."""
        return bool(self.measured.rows or self.measured.tried or self.measured.paces)

    def _verdict(self) -> str:
        """The session in a line."""
        counts = ", ".join(f"{n} {name}" for name, n in sorted(self.measured.outcomes.items()))
        timed = f", {len(self.measured.paces)} collations timed" if self.measured.paces else ""
        return f"{len(self.measured.rows)} cells measured{timed}; tests: {counts}"

    def _nothing(self) -> str:
        """Why a session measured nothing."""
        if self.measured.outcomes["error"] or self.measured.outcomes["failed"]:
            return "nothing was measured: see the errors above"
        if not self.measured.outcomes:
            return (
                f"nothing was measured: all {self.deselected} tests of suites were deselected "
                f"(exit code {int(NOTHING_MEASURED)})"
            )
        return f"nothing was measured: every cell was skipped (exit code {int(NOTHING_MEASURED)})"

    def _write_files(self, write: Any, verdict: str) -> None:
        """Leave the summaries, or say why not."""
        environment = schedule_of(self.config).runner.environment() if self._anything else {}
        from harness.report.overview import overview  # sessions without suites need none

        told = self.measured.as_json(environment) | {"verdict": verdict}
        texts = {
            "session.json": json.dumps(told, indent=1) + "\n",
            "session.md": markdown(self.measured, environment, verdict),
            "session.html": overview(self.measured, self._records(), environment, verdict),
        }
        if self.measured.paces:
            from harness.report import padding

            texts["padding.html"] = padding.page(self.measured.paces.values(), environment)
        try:
            path, *others = files.write(self.config.stash[SETTINGS].reports, texts)
        except StoreError as error:
            write(error.text, red=True)
            return
        write(f"summaries: {path}, {', '.join(other.name for other in others)}")

    def _records(self) -> "dict[tuple[str, str], Record]":
        """The records of the cells measured, by suite and cell."""
        from harness.record import Record

        records = Path(self.config.stash[SETTINGS].store, "records")
        found = {name: records / row.record for name, row in self.measured.rows.items()}
        return {name: Record.read(folder) for name, folder in found.items() if folder.is_dir()}


def _message(report: pytest.TestReport) -> str:
    """Why a test did not pass, in a line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    said = getattr(report, "wasxfail", "") or (crash.message if crash else report.longreprtext)
    return str(said).partition("\n")[0]


def reporting_of(config: pytest.Config) -> Reporting:
    """The session's reporting."""
    found = config.pluginmanager.get_plugin(Reporting.NAME)
    assert isinstance(found, Reporting)  # noqa: S101 - pytest_configure has registered it
    return found

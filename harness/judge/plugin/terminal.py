"""What a session shows while it runs, says when it ends, and leaves in the reports folder."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.core.errors import HarnessError, StoreError
from harness.judge.cell import Cell
from harness.judge.plugin.gather import Gathering
from harness.judge.plugin.persist import Keeping
from harness.judge.plugin.state import ROOT, SETTINGS, night_of, schedule_of
from harness.judge.reports import broken, files
from harness.judge.reports.rerun import Command, options_of
from harness.judge.reports.session_table import issue_lines, lines, markdown, noise_lines

if TYPE_CHECKING:
    from harness.core.record import Record

PLAIN_INTERVAL = 60.0
"""Seconds between plain lines on a long training."""

NOTHING_MEASURED = pytest.ExitCode.NO_TESTS_COLLECTED
"""Pytest's own code for a session that tested nothing."""


class Reporting:
    """Says what was gathered from a session's test reports, once."""

    NAME = "harness-reporting"

    def __init__(self, config: pytest.Config) -> None:
        """Listen for a session."""
        self.config = config
        self.gathering = Gathering(config)
        self.measured = self.gathering.measured
        self.records: dict[str, Record] = {}
        self.keeping = Keeping(config, self.measured)
        config.pluginmanager.register(self.gathering, "harness-gathering")
        self._interrupted = False
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

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A session that was asked for suites and measured nothing is never green."""
        self._interrupted = session.exitstatus == pytest.ExitCode.INTERRUPTED
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

        So does one where a known issue is fixed, if whoever keeps the known issues wants to know.

        Raises:
            HarnessError: it could not be kept.
        """
        if self.keeping.worthwhile:
            self.keeping.keep()
        stale = bool(self.measured.fixed) and self.config.stash[SETTINGS].strict_known_issues
        if stale:
            self.keeping.told.append("known issues are strict: remove from its file what is fixed")
        if self.keeping.refused or stale:
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
        if self.keeping.too_little:
            session.exitstatus = session.exitstatus or NOTHING_MEASURED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """One line a cell, why others were not measured, and where the reports are."""
        if self.config.option.collectonly or not self.measured.outcomes:
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
        for line in self._remarks():
            write(line)
        for line in broken.lines(self.measured, self._command):
            write(line, red=not line.startswith(" "))
        self._write_files(write, verdict)

    def _remarks(self) -> Iterator[str]:
        """What there is to say beside the table."""
        yield from self.measured.set_aside
        for reason, cells in self.measured.reasons.items():
            yield f"not measured ({len(cells)} cells): {reason}"
        yield from self._nights()
        yield from noise_lines(self.measured)
        yield from issue_lines(self.measured)

    def _paces(self) -> list[str]:
        """What benchmarks timed; nothing without any."""
        if not self.measured.paces:
            return []
        from harness.judge.reports import benchmark_page

        return benchmark_page.lines(self.measured.paces.values())

    def _nights(self) -> list[str]:
        """What the night found; nothing without one."""
        if not self.measured.nights:
            return self.keeping.told
        from harness.judge.reports import nightly_message

        found = [n for n in self.measured.nights.values() if n.name not in self.keeping.accepted]
        return [
            f"night: {nightly_message.headline(found)}",
            *nightly_message.lines(found),
            *self.keeping.told,
        ]

    @cached_property
    def _command(self) -> Command:
        """What runs tests of this session again: only what pyproject.toml does not say."""
        config, option = self.config, self.config.option
        folder, settings = config.invocation_params.dir, config.stash[SETTINGS]
        if night_of(config):
            settings = replace(settings, night=night_of(config))
        asked_once = replace(
            settings, update=False, update_new_only=False, because="", budget=None, stored=False
        )
        options = ["-m", option.markexpr] if option.markexpr else []
        options += ["-c", option.inifilename] if option.inifilename else []
        options += [f"--rootdir={config.rootpath}"] if option.rootdir else []
        options += options_of(asked_once, config.stash[ROOT], folder)
        return Command(root=config.rootpath, folder=folder, options=tuple(options))

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
        if self._interrupted:
            return "nothing was measured: interrupted"
        if self.measured.outcomes["error"] or self.measured.outcomes["failed"]:
            return "nothing was measured: see the errors above"
        return f"nothing was measured: every cell was skipped (exit code {int(NOTHING_MEASURED)})"

    def _write_files(self, write: Any, verdict: str) -> None:
        """Leave the summaries, or say why not."""
        environment = schedule_of(self.config).runner.environment() if self._anything else {}
        from harness.judge.reports.session_page import overview  # sessions without suites need none

        told = self.measured.as_json(environment) | {"verdict": verdict}
        texts = {
            "session.json": json.dumps(told, indent=1) + "\n",
            "session.md": markdown(self.measured, environment, self._command, verdict),
            "session.html": overview(
                self.measured, self._records(), environment, self._command, verdict
            ),
        }
        if self.measured.paces:
            from harness.judge.reports import benchmark_page

            texts["padding.html"] = benchmark_page.page(self.measured.paces.values(), environment)
        try:
            path, *others = files.write(self.config.stash[SETTINGS].reports, texts)
        except StoreError as error:
            write(error.text, red=True)
            return
        write(f"summaries: {path}, {', '.join(other.name for other in others)}")

    def _records(self) -> "dict[tuple[str, str], Record]":
        """The records of the cells measured, by suite and cell."""
        from harness.core.record import Record

        records = Path(self.config.stash[SETTINGS].store, "records")
        readable: dict[tuple[str, str], Record] = {}
        for name, row in self.measured.rows.items():
            with suppress(OSError, ValueError):  # deleted since, all of it or in part
                known = self.records.get(row.record)  # of other processes, only what is stored
                readable[name] = known or Record.read(records / row.record)
        return readable


def reporting_of(config: pytest.Config) -> Reporting:
    """The session's reporting."""
    found = config.pluginmanager.get_plugin(Reporting.NAME)
    assert isinstance(found, Reporting)  # noqa: S101 - pytest_configure has registered it
    return found

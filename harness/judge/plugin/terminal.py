"""What a session shows while it runs, says when it ends, and leaves in the reports folder."""

import json
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.core.errors import HarnessError, StoreError
from harness.judge import repository
from harness.judge.cell import Cell
from harness.judge.nightly import baseline
from harness.judge.plugin.gather import Gathering
from harness.judge.plugin.persist import Keeping
from harness.judge.plugin.state import ROOT, SETTINGS, night_of, schedule_of
from harness.judge.reports import broken, files
from harness.judge.reports.rerun import Command, options_of
from harness.judge.reports.session_table import issue_lines, lines, markdown, noise_lines
from harness.judge.session_parts import FAILED
from harness.judge.session_record import NAME, SessionRecord

if TYPE_CHECKING:
    from harness.core.record import Record

PLAIN_INTERVAL = 60.0
"""Seconds between plain lines on a long training."""

NOTHING_MEASURED = pytest.ExitCode.NO_TESTS_COLLECTED
"""Pytest's own code for a session that tested nothing."""

REPORTING = pytest.StashKey["Reporting"]()


class Reporting:
    """Says what was gathered from a session's test reports, once."""

    NAME = "harness-reporting"

    def __init__(self, config: pytest.Config) -> None:
        """Listen for a session."""
        self.config = config
        self.gathering = Gathering(config)
        self.measured = self.gathering.measured
        self.records: dict[str, Record] = {}
        self.keeping = Keeping(config)
        config.pluginmanager.register(self.gathering, "harness-gathering")
        self._interrupted = False
        self._announced = ""
        self._last_line = 0.0

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
                self._announced, self._last_line = cell.name, float("-inf")
                terminal.ensure_newline()
                if terminal._tw.width_of_current_line:  # noqa: SLF001 - under -q it cannot tell
                    terminal.line("")
            if sys.stdout.isatty():
                terminal.rewrite(text if step < total else "", erase=True)
                terminal.flush()
            elif time.monotonic() - self._last_line >= PLAIN_INTERVAL:
                self._last_line = time.monotonic()
                terminal.write_line(text)

    @cached_property
    def record(self) -> SessionRecord:
        """The session, once all tests have ended."""
        config, anything = self.config, self.measured.anything
        now, root = datetime.now(UTC), config.stash[ROOT]
        return replace(
            self.measured.session(
                night=night_of(config) or now.date().isoformat(),
                when=now.isoformat(timespec="seconds"),
            ),
            command=shlex.join(["pytest", *config.invocation_params.args]),
            revision=repository.revision(root, aside=baseline.NAME),
            verdict=self._verdict() if anything else self._nothing(),
            environment=schedule_of(config).runner.environment() if anything else {},
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A session of suites that measured nothing is never green."""
        self._interrupted = session.exitstatus == pytest.ExitCode.INTERRUPTED
        if hasattr(self.config, "workerinput") or self.config.option.collectonly:
            return
        if not self.measured.outcomes:
            return
        try:
            if not self.record.measured and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = NOTHING_MEASURED
            self._keep(session)
        except HarnessError as error:
            self.keeping.remarks.append(error.text)
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED

    def _keep(self, session: pytest.Session) -> None:
        """Keep the session; one that accepted less than it was to, or measured less, fails.

        So does one where a known issue is fixed, if whoever keeps the known issues wants to know.

        Raises:
            HarnessError: it could not be kept.
        """
        record = self.record
        self.keeping.keep(record)
        stale = record.fixed_issues and self.config.stash[SETTINGS].strict_known_issues
        if stale:
            self.keeping.remarks.append(
                "known issues are strict: remove from its file what is fixed"
            )
        if self.keeping.refused or stale:
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
        if self.keeping.too_little(record):
            session.exitstatus = session.exitstatus or NOTHING_MEASURED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """One line a cell, why others were not measured, and where the reports are."""
        if self.config.option.collectonly or not self.measured.outcomes:
            return
        write, record = terminalreporter.write_line, self.record
        terminalreporter.section("fine-tuning")
        for line in lines(record):
            write(line)
        for line in self._paces():
            write(line)
        if not record.measured:
            write(record.verdict, red=True)
        for line in self._remarks():
            write(line)
        for line in broken.lines(record, self._command):
            write(line, red=not line.startswith(" "))
        self._write_files(write)

    def _remarks(self) -> Iterator[str]:
        """What there is to say beside the table."""
        yield from (f"note: {note}" for note in self.record.notes)
        yield from self.record.set_aside
        for reason, cells in self.record.not_measured.items():
            yield f"not measured ({len(cells)} cells): {reason}"
        yield from self._nights()
        yield from noise_lines(self.record)
        yield from issue_lines(self.record)

    def _paces(self) -> list[str]:
        """What benchmarks timed; nothing without any."""
        if not self.measured.paces:
            return []
        from harness.judge.reports import benchmark_page

        return benchmark_page.lines(self.measured.paces.values())

    def _nights(self) -> list[str]:
        """The night in a few lines; only remarks without one."""
        if not self.record.nights:
            return self.keeping.remarks
        from harness.judge.reports import nightly_message

        cells = self.keeping.open_cells(self.record)
        return [
            f"night: {nightly_message.headline(cells)}",
            *nightly_message.lines(cells),
            *self.keeping.remarks,
        ]

    @cached_property
    def _command(self) -> Command:
        """What runs tests of this session again: only what pyproject.toml does not say."""
        config, option = self.config, self.config.option
        folder, settings = config.invocation_params.dir, config.stash[SETTINGS]
        if night_of(config):
            settings = replace(settings, night=night_of(config))
        lasting = replace(
            settings, update=False, update_new_only=False, because="", budget=None, stored=False
        )
        options = ["-m", option.markexpr] if option.markexpr else []
        options += ["-c", option.inifilename] if option.inifilename else []
        options += [f"--rootdir={config.rootpath}"] if option.rootdir else []
        options += options_of(lasting, config.stash[ROOT], folder)
        return Command(root=config.rootpath, folder=folder, options=tuple(options))

    def _verdict(self) -> str:
        """A session that measured something, in a line."""
        counts = ", ".join(f"{n} {name}" for name, n in sorted(self.measured.counts.items()))
        timed = f", {len(self.measured.paces)} collations timed" if self.measured.paces else ""
        return f"{len(self.measured.rows)} cells measured{timed}; tests: {counts}"

    def _nothing(self) -> str:
        """Why a session measured nothing."""
        if self._interrupted:
            return "nothing was measured: interrupted"
        if not FAILED.isdisjoint(self.measured.counts):
            return "nothing was measured: see the errors above"
        return f"nothing was measured: every cell was skipped (exit code {int(NOTHING_MEASURED)})"

    def _write_files(self, write: Any) -> None:
        """Leave the summaries, or say why not."""
        from harness.judge.reports.session_page import overview  # sessions without suites need none

        record = self.record
        texts = {
            NAME: json.dumps(record.to_json(), indent=1) + "\n",
            "session.md": markdown(record, self._command),
            "session.html": overview(record, self._records(), self._command),
        }
        if self.measured.paces:
            from harness.judge.reports import benchmark_page

            paces = self.measured.paces.values()
            texts["padding.html"] = benchmark_page.page(paces, record.environment)
        try:
            path, *others = files.write(self.config.stash[SETTINGS].reports, texts)
        except StoreError as error:
            write(error.text, red=True)
            return
        write(f"summaries: {path}, {', '.join(other.name for other in others)}")

    def _records(self) -> "dict[str, Record]":
        """The records of the cells measured, by suite and cell."""
        from harness.core.record import Record

        records = Path(self.config.stash[SETTINGS].store, "records")
        readable: dict[str, Record] = {}
        for row in self.record.cells:
            with suppress(OSError, ValueError):  # deleted since, all of it or in part
                known = self.records.get(row.record)  # of other processes, only what is stored
                readable[row.name] = known or Record.read(records / row.record)
        return readable


def reporting_of(config: pytest.Config) -> Reporting:
    """The session's reporting."""
    return config.stash[REPORTING]

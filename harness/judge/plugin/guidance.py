"""Guidance for a session that had nothing to run: why, and what to do."""

import os
from typing import Any

import pytest

from harness.judge.plugin.state import SETTINGS
from harness.judge.repository import SUITES
from harness.judge.suite.collect import EXAMPLE

_NOTHING = pytest.ExitCode.NO_TESTS_COLLECTED


class Guidance:
    """Looks at what is collected; writes only where suites were named and none is left."""

    NAME = "harness-guidance"

    def __init__(self, config: pytest.Config) -> None:
        """Listen to a session."""
        self.config = config
        self.deselected = 0

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Count a suite's tests that were left out."""
        self.deselected += sum(item.get_closest_marker("harness") is not None for item in items)

    def pytest_terminal_summary(self, terminalreporter: Any, exitstatus: int) -> None:
        """Explain pytest's exit code for a session without tests, if it comes from suites."""
        skipped = terminalreporter.stats.get("skipped")  # then there were tests
        if exitstatus != _NOTHING or self.config.option.collectonly or skipped:
            return
        folder = self._empty()
        if self.deselected or folder:
            terminalreporter.section("fine-tuning")
        if self.deselected:
            text = f"nothing was measured: all {self.deselected} tests of suites were deselected"
            terminalreporter.write_line(f"{text}{self._by()} (exit code {int(_NOTHING)})", red=True)
        elif folder:
            begin = f"{folder} holds no suite. Begin with {folder}/test_mrpc.py:"
            terminalreporter.write_line(f"{begin}\n\n{EXAMPLE}")

    def _by(self) -> str:
        """Which options left tests out."""
        given = {"-k": self.config.option.keyword, "-m": self.config.option.markexpr}
        named = [f"{flag} {text!r}" for flag, text in given.items() if text]
        scale = self.config.stash[SETTINGS].scale  # a table may say it, and nobody remembers
        only = f", of which there are those of scale {scale} alone" if named and scale else ""
        return f" by {' and '.join(named)}{only}" if named else ""

    def _empty(self) -> str:
        """The folder of suites that was named; empty if none was."""
        start = self.config.invocation_params.dir
        for folder in (start / name for name in self.config.args):
            for path in (folder, folder / SUITES):
                if path.is_dir() and path.resolve().name == SUITES:
                    return os.path.relpath(path, start)
        return ""

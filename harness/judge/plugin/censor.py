"""The censor: no secret is in what pytest writes of a session.

A test's report is cleaned where it is made, before anything reads it: the terminal, JUnit's XML,
pytest-xdist, other plugins, and our own summaries. The terminal, which also shows paths, options
and warnings, is written through the outlet; so is what pytest-benchmark keeps.
"""

from collections.abc import Generator
from typing import Any, TypeVar

import pytest

from harness.core import redaction
from harness.judge.outlet import Stream

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

_SHOWN = ("longrepr", "sections", "user_properties", "wasxfail")
"""Attributes of a report that hold text."""


@pytest.hookimpl(trylast=True)  # pytest makes its terminal in the same hook
def pytest_configure(config: pytest.Config) -> None:
    """Put the outlet before the terminal."""
    terminal: Any = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        terminal._tw._file = Stream(terminal._tw._file)  # noqa: SLF001 - it offers no other way


@pytest.hookimpl(wrapper=True, tryfirst=True)  # what others make of a report is cleaned, too
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Clean a test's report."""
    return _clean((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Clean the report of a file or a folder."""
    return _clean((yield))


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a test that is given a secret by something else."""
    if not isinstance(val, str):
        return None
    hidden = redaction.text(val)
    return None if hidden == val else hidden


@pytest.hookimpl(optionalhook=True, trylast=True)
def pytest_benchmark_update_json(output_json: dict[str, Any]) -> None:
    """Clean what pytest-benchmark is about to write."""
    output_json |= redaction.strings(output_json)


def _clean(report: Report) -> Report:
    """Hide secrets in everything that a report shows."""
    for name in _SHOWN:
        if getattr(report, name, None):
            setattr(report, name, _hidden(getattr(report, name)))
    return report


def _hidden(shown: Any) -> Any:
    """The same without secrets: a text, several, or pytest's own objects that hold some.

    Lines of one text are looked at together, for a key may have many.
    """
    if isinstance(shown, str):
        return redaction.document(shown)
    if isinstance(shown, list) and shown and all(isinstance(line, str) for line in shown):
        return redaction.text("\n".join(shown)).split("\n")
    if isinstance(shown, list | tuple):
        return type(shown)(_hidden(part) for part in shown)
    if hasattr(shown, "toterminal"):
        for name, part in vars(shown).items():
            setattr(shown, name, _hidden(part))
    return shown

"""Known issues while pytest runs, and the figures of a test: judged apart, noted for the gate."""

from collections.abc import Generator
from typing import Any

import pytest

from harness.core.errors import CrashError
from harness.judge.distance import MismatchError, judging
from harness.judge.plugin.notes import DISTANCES, FIXED, KNOWN_ISSUE, LOST, Loss
from harness.judge.plugin.state import KNOWN_ISSUES, cell_of, schedule_of
from harness.judge.suite.known_issues import KnownIssue


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Judge every figure of a suite's test, and expect those to be off that are known to be.

    A test that passes where an issue is known passes, and the session says that it is fixed.
    """
    if cell_of(pyfuncitem) is None:
        return (yield)
    issues = _known(pyfuncitem)
    try:
        with judging():
            result = yield
    except AssertionError as error:
        _note(pyfuncitem, error, issues)
        if isinstance(error, MismatchError):
            # it says all: the frames are ours, and so is the first error
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        raise
    except CrashError as error:  # of a trial: the others of its cell are judged
        LOST.add(pyfuncitem, Loss.of(error, pyfuncitem.nodeid))
        raise
    for issue in issues[:1]:
        FIXED.add(pyfuncitem, issue.reason)
    return result


def _note(item: pytest.Function, error: AssertionError, issues: list[KnownIssue]) -> None:
    """Note what is off, and expect it if it is known."""
    if isinstance(error, MismatchError):
        DISTANCES.add(item, tuple(distance.to_json() for distance in error.distances.values()))
    for issue in issues:
        if issue.explains(error):
            KNOWN_ISSUE.add(item, issue.summary)
            item.add_marker(pytest.mark.xfail(strict=False, reason=issue.reason))
            return


def _known(item: pytest.Function) -> list[KnownIssue]:
    """The known issues of a test that judges a cell, in the installed versions."""
    cell = cell_of(item)
    judged: list[Any] = [item.funcargs[x] for x in ("run", "trials") if x in item.funcargs]
    if cell is None or not judged:
        return []
    versions = schedule_of(item.config).runner.environment()["packages"]
    issues = item.config.stash[KNOWN_ISSUES]
    return [
        issue
        for issue in issues
        if issue.applies(item.originalname, cell.recipe, versions) and all(map(issue.is_of, judged))
    ]

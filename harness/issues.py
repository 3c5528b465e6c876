"""Known issues while pytest runs: where one stands, its tests are expected failures."""

from collections.abc import Generator

import pytest

from harness.deviations import Deviation
from harness.stash import DEVIATION, DEVIATIONS, FIXED, SETTINGS, cell_of, schedule_of


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Expect a test to fail where a library is known to be wrong.

    One that passes there passes, and the session says that the issue is fixed; where known issues
    are strict, as in this project's own CI, it fails, so that whoever keeps them hears of it.
    """
    issue = _known(pyfuncitem)
    if issue is None:
        return (yield)
    try:
        result = yield
    except AssertionError:
        pyfuncitem.user_properties.append((DEVIATION, issue.summary))
        pyfuncitem.add_marker(pytest.mark.xfail(strict=False, reason=issue.reason))
        raise
    pyfuncitem.user_properties.append((FIXED, issue.reason))
    if pyfuncitem.config.stash[SETTINGS].strict_known_issues:
        pytest.fail(
            f"a known issue is fixed in the installed version: {issue.reason}", pytrace=False
        )
    return result


def _known(item: pytest.Function) -> Deviation | None:
    """The known issue of a test that judges a cell in the installed versions, if it has one."""
    cell = cell_of(item)
    if cell is None or not {"run", "trials"} & set(item.fixturenames):
        return None
    versions = schedule_of(item.config).runner.environment()["packages"]
    issues = item.config.stash[DEVIATIONS]
    return next((i for i in issues if i.applies(item.originalname, cell.recipe, versions)), None)

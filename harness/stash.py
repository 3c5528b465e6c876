"""The state of a pytest session: what the plugin keeps in `config.stash`, and under which key."""

import os
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from harness.settings import Settings

if TYPE_CHECKING:
    from harness.runner import Runner

SETTINGS = pytest.StashKey[Settings]()
OVERRIDES = pytest.StashKey[Mapping[str, Any]]()
RUNNER = pytest.StashKey["Runner"]()
_SESSION = pytest.StashKey[str]()

ROW = "harness_cell"
"""Property of a test report that holds a cell's row."""

REASON = "harness_not_measured"
"""Property of a test report that says why its cell was not measured."""


def session_name(config: pytest.Config) -> str:
    """A name that all processes of one session share, under pytest-xdist too."""
    if _SESSION not in config.stash:
        shared = os.environ.get("PYTEST_XDIST_TESTRUNUID")
        workers = getattr(config, "workerinput", {})
        config.stash[_SESSION] = workers.get("testrunuid") or shared or uuid.uuid4().hex
    return config.stash[_SESSION]


def runner_of(config: pytest.Config) -> "Runner":
    """The session's runner, made when first asked for."""
    if RUNNER not in config.stash:
        from harness.runner import Runner

        reporting = config.pluginmanager.get_plugin("harness-reporting")
        config.stash[RUNNER] = Runner(
            settings=config.stash[SETTINGS],
            session=session_name(config),
            progress=None if reporting is None else reporting.progress,
        )
    return config.stash[RUNNER]

"""The state of a pytest session: what the plugin keeps in `config.stash`, and under which key."""

import ast
import uuid
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.core import cores
from harness.judge.cell import Cell
from harness.judge.console import Console, silence
from harness.judge.settings import Settings
from harness.judge.suite.known_issues import KnownIssue

if TYPE_CHECKING:
    from harness.judge.runs.scheduler import Schedule
    from harness.judge.suite.base import SuiteDeclaration

SETTINGS = pytest.StashKey[Settings]()
ROOT = pytest.StashKey[Path]()
CONSOLE = pytest.StashKey[Console]()
OVERRIDES = pytest.StashKey[Mapping[str, Any]]()
KNOWN_ISSUES = pytest.StashKey[tuple[KnownIssue, ...]]()
CELLS = pytest.StashKey[dict[type, list[Cell]]]()
SCHEDULE = pytest.StashKey["Schedule"]()
REPORTED = pytest.StashKey[set[tuple[type, Cell]]]()
"""Cells whose rows are in a report."""

ITEM = pytest.StashKey[pytest.Item]()
"""The test that runs."""

_SESSION = pytest.StashKey[str]()


def session_name(config: pytest.Config) -> str:
    """A name that all processes of one session share, under pytest-xdist too."""
    if _SESSION not in config.stash:
        workers = getattr(config, "workerinput", {})
        config.stash[_SESSION] = workers.get("testrunuid") or uuid.uuid4().hex
    return config.stash[_SESSION]


def night_of(config: pytest.Config) -> str:
    """The night that the session belongs to; empty if it is of none."""
    settings = config.stash[SETTINGS]
    nightly = settings.night or settings.update or settings.update_new_only
    if not nightly and not by_mark(config, "nightly"):
        return ""
    return settings.night or datetime.now(UTC).date().isoformat()


def schedule_of(config: pytest.Config) -> "Schedule":
    """The session's schedule and, in it, its runner; made at first use."""
    if SCHEDULE not in config.stash:
        from harness.judge.runs.runner import Runner  # sessions without suites need none
        from harness.judge.runs.scheduler import Schedule

        settings = config.stash[SETTINGS]
        runner = Runner(
            settings=settings,
            session=session_name(config),
            night=night_of(config),
            announce=_announcing(config),
            explains=True,
        )
        config.stash[SCHEDULE] = Schedule(runner, processes=_processes(config))
    return config.stash[SCHEDULE]


def _announcing(config: pytest.Config) -> Callable[[str], None]:
    """What says what takes long: the console, unless -q asks for quiet."""
    quiet = config.option.verbose < 0 or hasattr(config, "workerinput")
    return silence if quiet else config.stash[CONSOLE].say


def cell_of(item: pytest.Item) -> Cell | None:
    """The cell that a test is about, if it is about one."""
    cell = item.callspec.params.get("cell") if hasattr(item, "callspec") else None
    return cell if isinstance(cell, Cell) else None


def suite_of(cls: type | None) -> "type[SuiteDeclaration] | None":
    """The suite or benchmark that a test class is, if it is one."""
    from harness.judge.suite.base import SuiteDeclaration

    return cls if cls is not None and issubclass(cls, SuiteDeclaration) else None


def full_by_mark(config: pytest.Config) -> bool:
    """Whether `-m` asks for marks of the full scale, not only to leave them out."""
    return by_mark(config, "gpu", "nightly", "slow")


def by_mark(config: pytest.Config, *names: str) -> bool:
    """Whether `-m` asks for one of some marks."""
    try:
        expression = ast.parse(config.option.markexpr.strip() or "None", mode="eval")
    except SyntaxError:
        return False  # pytest will say so
    return _asks(expression.body, names)


def _asks(expression: ast.expr, names: Collection[str], *, wanted: bool = True) -> bool:
    """Whether a part of a mark expression, wanted or not, names one of some marks."""
    match expression:
        case ast.UnaryOp(operand=inner):
            return _asks(inner, names, wanted=not wanted)
        case ast.BoolOp(values=parts):
            return any(_asks(part, names, wanted=wanted) for part in parts)
        case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)):
            return wanted and name in names
    return False


def _processes(config: pytest.Config) -> int:
    """How many cells may train at once.

    One where full cells may be selected, which take the accelerator or all cores, and one in a
    process of pytest-xdist; else as many as the cores have room for.
    """
    settings = config.stash[SETTINGS]
    alone = settings.scale == "full" or settings.device == "cuda" or full_by_mark(config)
    if alone or hasattr(config, "workerinput"):
        return 1
    return max(1, cores.usable() // (settings.threads or 1))

"""The pytest plugin: options, marks and parameters of suites.

State lives in `config.stash`. Nothing here imports torch or transformers: pytest's own process
only ever reads records.
"""

import gc
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from harness import contests, deviations, failures, interruption, repository
from harness.cell import Cell
from harness.console import Console
from harness.contests import contests_of, untimed
from harness.document import Document
from harness.errors import HarnessError, SpecError
from harness.guidance import Guidance
from harness.nights import nights_of
from harness.recipe import SCALES, Scale
from harness.reporting import Reporting
from harness.settings import Settings
from harness.stash import (
    CELLS,
    CONSOLE,
    DEVIATIONS,
    OVERRIDES,
    REASON,
    ROOT,
    SCHEDULE,
    SETTINGS,
    cell_of,
    full_by_mark,
    night_of,
    schedule_of,
    session_name,
)
from harness.validation import parse_overrides

pytest_plugins = ("harness.subjects", "harness.issues", "harness.censor")

if TYPE_CHECKING:
    from harness.suite import Declared

Answer = TypeVar("Answer")

MARKS = (
    "gpu: trains on an accelerator, at full scale unless told otherwise",
    "nightly: beside what was accepted, a threshold or a known ceiling",
    "slow: trains a real checkpoint on real data",
    "harness: a test of a suite, which judges a record",
    "trials: judges trials, a minute's worth of short runs beside the cells",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add one option for every setting."""
    group = parser.getgroup("harness", "fine-tuning regression suites")
    for flag, keywords in Settings.options():
        group.addoption(flag, **keywords)


def pytest_configure(config: pytest.Config) -> None:
    """Read the settings and register the marks."""
    for mark in MARKS:
        config.addinivalue_line("markers", mark)
    console = config.stash[CONSOLE] = Console()
    config.add_cleanup(console.close)
    given = {
        name: getattr(config.option, f"harness_{name}") for name in Settings.__dataclass_fields__
    }
    try:
        root = config.stash[ROOT] = _root_of(config)
        project = Document.read(root / "pyproject.toml")
        settings = Settings.merge(given, project, root, config.invocation_params.dir)
        config.stash[SETTINGS] = settings
        config.stash[OVERRIDES] = parse_overrides(settings.set)
        config.stash[DEVIATIONS] = (*deviations.load(deviations.OURS), *_own_issues(settings))
    except SpecError as error:
        raise pytest.UsageError(error.text) from None
    config.pluginmanager.register(Reporting(config), Reporting.NAME)
    config.pluginmanager.register(Guidance(config), Guidance.NAME)


def _root_of(config: pytest.Config) -> Path:
    """The repository that holds the suites; the root that the user gives pytest, if one."""
    if config.option.rootdir or config.option.inifilename:
        return config.rootpath
    return repository.holding(config.args, config.invocation_params.dir)


def _own_issues(settings: Settings) -> list[deviations.Deviation]:
    """Known issues that the user declares.

    Raises:
        SpecError: a file cannot be read, or makes no sense.
    """
    if not settings.deviations:
        return []
    from harness.suite import invariants  # sessions without suites need none

    names = invariants()
    return [issue for file in settings.deviations for issue in deviations.load(file, names)]


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main() -> Generator[None, int | None, int | None]:
    """Another Ctrl-C, while a session that was interrupted is told of, is no traceback either."""
    try:
        return (yield)
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return pytest.ExitCode.INTERRUPTED


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the workers; all waits have a limit, so that another Ctrl-C has nothing to hurry."""
    schedule = config.stash.get(SCHEDULE, None)
    with interruption.deferred():
        contests.end(config)
        if schedule is not None:
            schedule.close()
    if not hasattr(config, "workerinput"):
        failures.forget(session_name(config))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Show an error of ours as its message and the user's line, without our traceback."""
    report = yield
    raised = getattr(report.__dict__.get("call"), "excinfo", None)
    if raised is not None and isinstance(raised.value, HarnessError):
        lines = [
            f"{entry.path}:{entry.lineno + 1}"
            for entry in raised.traceback
            if entry.path == collector.path
        ]
        report.longrepr = ": ".join([*lines[-1:], raised.value.text])
    return report


def _suite_of(cls: type | None) -> "type[Declared] | None":
    """The suite or benchmark that a test class is, if it is one."""
    from harness.suite import Declared

    return cls if cls is not None and issubclass(cls, Declared) else None


def pytest_pycollect_makeitem(name: str, obj: object) -> None:
    """Check a suite before its tests are looked at.

    Raises:
        SpecError: shown by `pytest_make_collect_report`.
    """
    if isinstance(obj, type) and name.startswith("Test") and _suite_of(obj) is not None:
        from harness.suite import check

        check(obj)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give every test of a suite its cells."""
    suite = _suite_of(metafunc.cls)
    if suite is None or "cell" not in metafunc.fixturenames:
        return
    from harness.suite import cells

    known = metafunc.config.stash.setdefault(CELLS, {})
    if suite not in known:
        settings = metafunc.config.stash[SETTINGS]
        scales: tuple[Scale, ...] = tuple(s for s in SCALES if settings.scale in {None, s})
        known[suite] = [*cells(suite, scales, metafunc.config.stash[OVERRIDES], settings.device)]
    parameters = [pytest.param(cell, id=cell.name, marks=_marks(cell)) for cell in known[suite]]
    metafunc.parametrize("cell", parameters, scope="class")


def _marks(cell: Cell) -> list[pytest.MarkDecorator]:
    """The marks of a cell's tests."""
    marks = [pytest.mark.harness]
    if cell.device == "cuda":
        marks.append(pytest.mark.gpu)
    if cell.scale == "full":
        marks.append(pytest.mark.slow)
    return marks


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around -k and -m
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None]:
    """Skip what a suite opts out of and what nobody asked for, with the reason.

    A cell that nobody asked for is one skipped test, not one for every invariant.
    """
    _mark(config, items)
    yield
    shown: set[tuple[object, Cell | None]] = set()
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        cell = (getattr(item, "cls", None), cell_of(item))
        unwanted = REASON in dict(item.user_properties)
        (left if unwanted and cell in shown else kept).append(item)
        if unwanted:
            shown.add(cell)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept
    if night_of(config) and not config.option.collectonly and not _spread(config):
        items[:] = _ordered(config, items)


def _spread(config: pytest.Config) -> bool:
    """Whether pytest-xdist spreads tests over processes, which must agree on their order."""
    return hasattr(config, "workerinput") or bool(config.getoption("numprocesses", default=None))


def _ordered(config: pytest.Config, items: list[pytest.Item]) -> list[pytest.Item]:
    """Tests by what their cells may tell tonight; the others stay in front."""
    nights, ranks = nights_of(config), dict[pytest.Item, tuple[float, str]]()
    try:
        for item in items:
            cell, suite = cell_of(item), getattr(item, "cls", None)
            if cell is not None and suite is not None and not _not_asked(config, cell):
                ranks[item] = nights.rank(item.path.parent, suite, cell)
    except HarnessError as error:
        raise pytest.UsageError(error.text) from None
    return sorted(items, key=lambda item: ranks.get(item, (-2.0, "")))


def _mark(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests of suites."""
    for item in items:
        suite = _suite_of(getattr(item, "cls", None))
        if suite is None or not isinstance(item, pytest.Function):
            continue
        if "trials" in item.fixturenames:
            item.add_marker(pytest.mark.trials)
        reason = suite.opt_out.get(item.originalname)
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=f"opted out: {reason}"))
        cell = cell_of(item)
        reason = None if cell is None else _not_asked(config, cell)
        if not reason and "tonight" in item.fixturenames and not night_of(config):
            reason = "several seeds beside what was accepted: ask for them with -m nightly"
        if not reason and "standing" in item.fixturenames:
            reason = untimed(config, item)
        if reason:
            item.user_properties.append((REASON, reason))
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start on everything that the selected tests will ask for."""
    config = session.config
    if config.option.collectonly or hasattr(config, "workerinput"):
        return
    wanted: dict[str, dict[Cell, None]] = {
        name: {} for name in ("run", "tonight", "trials", "compare_processes")
    }
    asking = [item for item in session.items if not item.get_closest_marker("skip")]
    for item in asking:
        cell = cell_of(item)
        if cell is not None:
            for name in wanted.keys() & set(getattr(item, "fixturenames", ())):
                wanted[name][cell] = None
    runs = wanted["tonight"] | wanted["run"]
    if night_of(config) and config.stash[SETTINGS].budget is not None:
        runs = {}  # whatever trains ahead would take a more telling cell's time
    compared = [cell for cell in wanted["compare_processes"] if cell.recipe.num_proc]
    try:
        if runs or wanted["trials"] or compared:
            gc.freeze()  # what was collected stays: garbage is looked for in what comes
            schedule_of(config).expect([*runs], [*wanted["trials"]], compared)
        contests_of(config).expect(config, asking)
    except HarnessError as error:
        raise pytest.UsageError(error.text) from None


def _not_asked(config: pytest.Config, cell: Cell) -> str:
    """Why a full cell is not trained; empty if it is."""
    if cell.scale == "tiny" and cell.device == "cpu":
        return ""
    settings = config.stash[SETTINGS]
    if settings.scale is None and not full_by_mark(config):
        return "full scale: ask for it with -m gpu, or with --harness-scale full"
    if cell.device == "cuda":
        from harness import accelerator

        if not accelerator.describe():
            return (
                "no accelerator: the NVIDIA driver shows no device; --harness-device cpu "
                "--harness-scale full trains on the CPU"
            )
    return ""

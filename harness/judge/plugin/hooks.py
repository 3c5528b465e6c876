"""The pytest plugin: options, marks and parameters of suites.

State lives in `config.stash`. Nothing here imports torch or transformers: pytest's own process
only ever reads records.
"""

import gc
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from harness.core.errors import HarnessError, SpecError
from harness.core.recipe import SCALES, Scale
from harness.judge import repository
from harness.judge.cell import Cell
from harness.judge.console import Console
from harness.judge.document import Document
from harness.judge.plugin import benchmark_groups
from harness.judge.plugin.benchmark_groups import contests_of
from harness.judge.plugin.guidance import Guidance
from harness.judge.plugin.state import (
    CELLS,
    CONSOLE,
    KNOWN_ISSUES,
    OVERRIDES,
    ROOT,
    SCHEDULE,
    SETTINGS,
    cell_of,
    night_of,
    schedule_of,
    session_name,
    suite_of,
)
from harness.judge.plugin.terminal import REPORTING, Reporting
from harness.judge.runs import failures, interruption
from harness.judge.settings import Settings
from harness.judge.suite import known_issues
from harness.judge.suite.validation import parse_overrides

pytest_plugins = (
    "harness.judge.plugin.deselection",
    "harness.judge.plugin.fixtures",
    "harness.judge.plugin.expected_failures",
    "harness.judge.plugin.censor",
)

MARKS = (
    "gpu: trains on an accelerator, at full scale unless a scale is set",
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
        config.stash[KNOWN_ISSUES] = (*known_issues.load(known_issues.OURS), *_own_issues(settings))
    except SpecError as error:
        raise pytest.UsageError(error.text) from None
    reporting = config.stash[REPORTING] = Reporting(config)
    config.pluginmanager.register(reporting, Reporting.NAME)
    config.pluginmanager.register(Guidance(config), Guidance.NAME)


def _root_of(config: pytest.Config) -> Path:
    """The repository that holds the suites; the root that the user gives pytest, if one."""
    if config.option.rootdir or config.option.inifilename:
        return config.rootpath
    return repository.holding(config.args, config.invocation_params.dir)


def _own_issues(settings: Settings) -> list[known_issues.KnownIssue]:
    """Known issues that the user declares.

    Raises:
        SpecError: a file cannot be read, or makes no sense.
    """
    if not settings.known_issues:
        return []
    from harness.judge.suite.base import invariants  # sessions without suites need none

    names = invariants()
    return [issue for file in settings.known_issues for issue in known_issues.load(file, names)]


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main() -> Generator[None, int | None, int | None]:
    """Another Ctrl-C, while an interrupted session is summed up, is no traceback either."""
    try:
        return (yield)
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return pytest.ExitCode.INTERRUPTED


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the workers; all waits have a limit, so that another Ctrl-C has nothing to hurry."""
    schedule = config.stash.get(SCHEDULE, None)
    with interruption.deferred():
        benchmark_groups.end(config)
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


def pytest_pycollect_makeitem(name: str, obj: object) -> None:
    """Check a suite before its tests are looked at.

    Raises:
        SpecError: shown by `pytest_make_collect_report`.
    """
    if isinstance(obj, type) and name.startswith("Test") and suite_of(obj) is not None:
        from harness.judge.suite.base import check

        check(obj)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give every test of a suite its cells."""
    suite = suite_of(metafunc.cls)
    if suite is None or "cell" not in metafunc.fixturenames:
        return
    from harness.judge.suite.base import cells

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


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start on everything that the selected tests judge."""
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

"""The pytest plugin: options, marks, parameters and fixtures of suites.

State lives in `config.stash`. Nothing here imports torch or transformers: pytest's own process
only ever reads records.
"""

import json
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from harness import deviations, failures
from harness.contests import contests_of
from harness.errors import (
    HarnessError,
    LimitError,
    MissingSourceError,
    NotStoredError,
    SpecError,
    UnsupportedError,
)
from harness.nights import nights_of
from harness.reporting import Reporting, reporting_of
from harness.settings import Settings, table_of
from harness.spec import SCALES, Cell, Recipe, Scale, Thresholds
from harness.stash import (
    CELLS,
    DEVIATION,
    DEVIATIONS,
    NIGHT,
    NOISE,
    OVERRIDES,
    PACE,
    REASON,
    ROW,
    SCHEDULE,
    SETTINGS,
    TOLD,
    TRIED,
    cell_of,
    full_by_mark,
    night_of,
    schedule_of,
    session_name,
)
from harness.tonight import Tonight
from harness.validation import parse_overrides

pytest.register_assert_rewrite("harness.invariants")

if TYPE_CHECKING:
    from harness.record import Record
    from harness.standing import Mode, Standing
    from harness.suite import Declared
    from harness.trial import Trials

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
    given = {
        name: getattr(config.option, f"harness_{name}") for name in Settings.__dataclass_fields__
    }
    try:
        table = table_of(config.rootpath)
        settings = Settings.merge(given, table, config.rootpath, config.invocation_params.dir)
        settings.check()
        config.stash[SETTINGS] = settings
        config.stash[OVERRIDES] = parse_overrides(settings.set)
        files = (deviations.OURS, *settings.deviations)
        config.stash[DEVIATIONS] = tuple(known for file in files for known in deviations.load(file))
    except SpecError as error:
        raise pytest.UsageError(error.text) from None
    config.pluginmanager.register(Reporting(config), Reporting.NAME)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the workers."""
    schedule = config.stash.get(SCHEDULE, None)
    contests_of(config).close()
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
    for item in session.items:
        cell = cell_of(item)
        if cell is not None and REASON not in dict(item.user_properties):
            for name in wanted.keys() & set(getattr(item, "fixturenames", ())):
                wanted[name][cell] = None
    runs = wanted["tonight"] | wanted["run"]
    if night_of(config) and config.stash[SETTINGS].budget is not None:
        runs = {}  # whatever trains ahead would take a more telling cell's time
    compared = [cell for cell in wanted["compare_processes"] if cell.recipe.num_proc]
    if runs or wanted["trials"] or compared:
        try:
            schedule_of(config).expect([*runs], [*wanted["trials"]], compared)
        except HarnessError as error:
            raise pytest.UsageError(error.text) from None


def _ask(request: pytest.FixtureRequest, question: Callable[[], Answer]) -> Answer:
    """The answer to a question of the runner; a skip or a failure without traceback if none."""
    try:
        return question()
    except HarnessError as raised:
        error = raised
    if isinstance(error, MissingSourceError | NotStoredError | UnsupportedError | LimitError):
        if isinstance(request.node, pytest.Item):
            request.node.user_properties.append((REASON, error.text))
        pytest.skip(error.text.splitlines()[0])
    pytest.fail(error.text, pytrace=False)


@pytest.fixture
def run(request: pytest.FixtureRequest, cell: Cell) -> "Record":
    """The cell's record: from the store, or trained now."""
    schedule, show = schedule_of(request.config), reporting_of(request.config).progress
    result = _ask(request, lambda: schedule.run(cell, show))
    told = request.config.stash.setdefault(TOLD, set())
    if (request.cls, cell) not in told:
        from harness.report.session import Row  # sessions without suites need none

        told.add((request.cls, cell))
        row = Row.of(request.cls.__name__, cell, result)
        request.node.user_properties.append((ROW, row.to_property()))
    _expect_deviation(request, cell)
    return result.record


@pytest.fixture
def tonight(request: pytest.FixtureRequest, cell: Cell) -> Tonight:
    """The cell beside its baseline and its history; its runs are trained tonight."""
    schedule, show = schedule_of(request.config), reporting_of(request.config).progress
    nights = nights_of(request.config)
    found = _ask(request, lambda: nights.of(request, cell, lambda other: schedule.run(other, show)))
    request.node.user_properties.append((NIGHT, found.to_property()))
    if found.records:
        request.getfixturevalue("run")  # for its line in the session's table
    return found


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


@pytest.fixture
def trials(request: pytest.FixtureRequest, cell: Cell) -> "Iterator[Trials]":
    """The cell's trials: from the store, or tried now."""
    from harness import tolerance

    schedule = schedule_of(request.config)
    found = _ask(request, lambda: schedule.trials(cell))
    request.node.user_properties.append((TRIED, cell.name))
    _expect_deviation(request, cell)
    with tolerance.measuring() as noise:
        yield found
    if not request.node.get_closest_marker("xfail"):
        request.node.user_properties.append((NOISE, json.dumps(noise)))


def _expect_deviation(request: pytest.FixtureRequest, cell: Cell) -> None:
    """Expect the test to fail, strictly, where a library is known to be wrong."""
    versions = schedule_of(request.config).runner.environment()["packages"]
    for known in request.config.stash[DEVIATIONS]:
        if known.applies(request.node.originalname, cell.recipe, versions):
            request.node.user_properties.append((DEVIATION, known.summary))
            mark = pytest.mark.xfail(raises=AssertionError, strict=True, reason=known.reason)
            request.node.add_marker(mark)
            return


@pytest.fixture
def declared(request: pytest.FixtureRequest, cell: Cell) -> Thresholds:
    """What the cell must reach."""
    from harness.suite import effective_thresholds

    overrides = request.config.stash[OVERRIDES]
    found = effective_thresholds(request.cls, cell, overrides)
    if found is None:
        pytest.skip(
            f"the thresholds are for the declared recipe, and {', '.join(cell.changed)} changed; "
            "name others with --harness-set accuracy=0.7"
        )
    return found


@pytest.fixture
def compare_processes(request: pytest.FixtureRequest) -> Callable[[Cell], Mapping[str, Any]]:
    """Tokenizes a cell's data in one process and in several spawned ones."""

    def compare(cell: Cell) -> Mapping[str, Any]:
        schedule = schedule_of(request.config)
        return _ask(request, lambda: schedule.compare_processes(cell))

    return compare


@pytest.fixture
def unsound(request: pytest.FixtureRequest, cell: Cell) -> Callable[[], list[str]]:
    """Asks what the cell's collation computes otherwise than batches of one do."""
    _refuse_stored(request)
    found, name = contests_of(request.config), cell.recipe.collation
    request.node.user_properties.append((TRIED, cell.name))
    return lambda: _ask(request, lambda: found.of(request, cell).unsound(name))


@pytest.fixture
def standing(request: pytest.FixtureRequest, cell: Cell) -> "Callable[[Mode], Standing]":
    """Asks how fast the cell's collation is beside the others of its benchmark."""
    if hasattr(request.config, "workerinput"):
        pytest.skip("pytest-xdist runs tests side by side: time without -n")
    _refuse_stored(request)
    benchmark = request.getfixturevalue("benchmark")

    def measure(mode: "Mode") -> "Standing":
        from harness.report.pace import Pace

        schedule_of(request.config).settle()
        found, name = contests_of(request.config), cell.recipe.collation
        fast = _ask(request, lambda: found.of(request, cell).standing(name, mode))
        threads = schedule_of(request.config).runner.threads(cell)
        pace = Pace.of(request.cls.__name__, found.of(request, cell), fast, threads)
        request.node.user_properties.append((PACE, pace.to_property()))
        benchmark.group = pace.group
        benchmark.extra_info |= pace.as_json()
        return fast

    return measure


def _refuse_stored(request: pytest.FixtureRequest) -> None:
    """Skip what is never in the store, where nothing else is asked."""
    if request.config.stash[SETTINGS].stored:
        pytest.skip("a collation is timed anew: the store has no speeds")


@pytest.fixture(scope="session")
def collate(
    request: pytest.FixtureRequest,
) -> Callable[[str, Mapping[str, Any]], Mapping[str, Any]]:
    """Asks a live child of the judged environment to collate for a model."""
    runner = schedule_of(request.config).runner

    def ask(model: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        recipe = Recipe(dataset="glue/mrpc", model=model)
        cell = Cell(name=model, recipe=recipe, scale="tiny", device="cpu")
        return _ask(request, lambda: runner.collate(cell, asked))

    return ask

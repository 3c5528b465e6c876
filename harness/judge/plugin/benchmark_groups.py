"""The contests of a session: one for all cells that differ by their collation alone."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from harness.core.collation import MAX_LENGTH, Collation
from harness.judge.cell import Cell
from harness.judge.plugin.state import by_mark, cell_of, schedule_of

if TYPE_CHECKING:
    from concurrent.futures import Future

    from harness.judge.benchmark.contest import Contest
    from harness.judge.suite.base import Benchmark

    Shared = tuple[type[Benchmark], Cell]

_CONTESTS = pytest.StashKey["Contests"]()
_STORAGE = "file://./.benchmarks"
"""Where pytest-benchmark saves by default."""

_FEWEST = 2
"""Rounds that an interval needs."""

UNTIMED = (
    "collations are proven, not timed: pytest {file} times them, and so do -m benchmark, -m gpu, "
    "-m nightly and --benchmark-only"
)
"""Why a test of a collation's speed is skipped."""


@dataclass(slots=True)
class Contests:
    """Contests by the class that declares them and by what their cells share."""

    known: "dict[Shared, Future[Contest]]" = field(default_factory=dict)

    def expect(self, config: pytest.Config, items: Sequence[pytest.Item]) -> None:
        """Start on the proofs that some tests will ask for."""
        for key, entered in _entered(items).items():
            self._hold(config, key, entered, ahead=True)

    def of(self, request: pytest.FixtureRequest, cell: Cell) -> "Contest":
        """The contest of a test's cell; others end their children, which would take memory.

        Raises:
            HarnessError: it cannot be held.
        """
        key = (request.cls, _shared(cell))
        if key not in self.known:
            entered = _entered(request.session.items).get(key, [])
            self._hold(request.config, key, entered, ahead=False)
        contest = self.known[key].result()
        self.close(contest)
        return contest

    def close(self, but: "Contest | None" = None) -> None:
        """End all children, but those of one contest."""
        for future in self.known.values():
            if future.done() and not future.cancelled() and not future.exception():
                contest = future.result()
                if contest is not but:
                    contest.close()

    def _hold(
        self, config: pytest.Config, key: "Shared", entered: Sequence[Collation], *, ahead: bool
    ) -> None:
        """Have a contest of all collations that are entered; prove them ahead, or later."""
        from harness.judge.benchmark.contest import Contest  # sessions without benchmarks need none

        schedule, (cls, cell) = schedule_of(config), key

        def hold() -> Contest:
            contest = Contest.of(schedule.runner, cell, entered, cls.lengths, _rounds(config))
            if ahead:
                contest.prove()
            return contest

        self.known[key] = schedule.ahead(("prove", *key), hold)


def contests_of(config: pytest.Config) -> Contests:
    """The session's contests."""
    return config.stash.setdefault(_CONTESTS, Contests())


def end(config: pytest.Config) -> None:
    """End all children; an empty folder of pytest-benchmark's is no trace worth leaving.

    It makes its default one in every session, whether anything is saved there or not.
    """
    contests_of(config).close()
    if config.getoption("benchmark_storage", default="") == _STORAGE:
        with suppress(OSError):  # it holds something, or another process was faster
            (config.invocation_params.dir / ".benchmarks").rmdir()


def untimed(config: pytest.Config, item: pytest.Item) -> str:
    """Why a collation is not timed, which the store never makes up for; empty if it is."""
    start = config.invocation_params.dir
    named = {(start / name.partition("::")[0]).resolve() for name in config.args}
    cache = config.cache if config.getoption("lf", default=False) else None
    failed = () if cache is None else cache.get("cache/lastfailed", {})
    if (
        by_mark(config, "benchmark", "gpu", "nightly")
        or config.getoption("benchmark_only", default=False)
        or item.path.resolve() in named
        or item.nodeid in failed
    ):
        return ""
    return UNTIMED.format(file=os.path.relpath(item.path, start))


def _rounds(config: pytest.Config) -> int:
    """How often pytest-benchmark wants everything timed."""
    if config.getoption("benchmark_disable", default=True):
        return _FEWEST
    return max(_FEWEST, int(config.getoption("benchmark_min_rounds")))


def _entered(items: Sequence[pytest.Item]) -> "dict[Shared, list[Collation]]":
    """The collations that some tests enter in each contest, each once."""
    entered: dict[Shared, dict[Collation, None]] = {}
    for item in items:
        cell, key = cell_of(item), _shared_of(item)
        if cell is not None and key is not None:
            entered.setdefault(key, {})[cell.collation] = None
    return {key: [*collations] for key, collations in entered.items()}


def _shared_of(item: pytest.Item) -> "Shared | None":
    """The contest that a test is about, if it is about one."""
    cell, cls = cell_of(item), getattr(item, "cls", None)
    asks = {"unsound", "rank_of"} & {*getattr(item, "fixturenames", ())}
    return (cls, _shared(cell)) if asks and cell is not None and cls is not None else None


def _shared(cell: Cell) -> Cell:
    """What a cell has in common with those that it meets."""
    return replace(cell.collated(MAX_LENGTH), name="")

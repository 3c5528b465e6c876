"""The nights of a session: its cells beside their baselines and their history."""

import os
import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.core.environment import device_class
from harness.core.errors import LimitError
from harness.judge.cell import Cell
from harness.judge.plugin.state import CELLS, ROOT, SETTINGS, night_of, schedule_of
from harness.judge.tonight import Tonight

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.judge.nightly.annotations import Annotation
    from harness.judge.nightly.baseline import Baselines, Reference
    from harness.judge.nightly.check import Run
    from harness.judge.nightly.trend import Trend
    from harness.judge.runs.result import Result
    from harness.judge.store.entry import Entry
    from harness.judge.store.index import History

_NIGHTS = pytest.StashKey["NightlyRuns"]()

_LEAST = {"samples_per_second": 0.02, "memory": 0.05}
"""Shares of themselves that figures must move by to speak against a night, as in a race."""


@dataclass
class NightlyRuns:
    """What a session knows of its cells' nights.

    Attributes:
        config: of the session.
        started: when it began, in `time.monotonic` seconds.
        known: cells judged so far.
        admitted: cells that there was time for.
        ranks: of cells, worked out so far.
        baselines: by folder of the suites.
        annotations: likewise.
    """

    config: pytest.Config
    started: float = field(default_factory=time.monotonic)
    known: dict[tuple[type, Cell], Tonight] = field(default_factory=dict)
    admitted: set[tuple[type, Cell]] = field(default_factory=set)
    ranks: dict[tuple[type, Cell], tuple[float, str]] = field(default_factory=dict)
    baselines: "dict[Path, Baselines]" = field(default_factory=dict)
    annotations: "dict[Path, tuple[Annotation, ...]]" = field(default_factory=dict)

    @cached_property
    def history(self) -> "History":
        """Of the session's store, with what a shared one has."""
        from harness.judge.store.index import History

        schedule_of(self.config).runner.store.fetch()
        history = History(self.config.stash[SETTINGS].store)
        self.config.add_cleanup(history.close)
        return history

    def of(self, request: pytest.FixtureRequest, cell: Cell, run: "Run") -> Tonight:
        """A test's cell beside its baseline and its history; worked out once.

        Raises:
            HarnessError: its runs could not be had.
        """
        key = (request.cls, cell)
        if key not in self.known:
            self.known[key] = self._judge(request, cell, run)
        return self.known[key]

    def admit(self, suite: type, cell: Cell) -> None:
        """Let a cell train tonight, if there is time for it.

        Raises:
            LimitError: there is not.
        """
        if not night_of(self.config) or (suite, cell) in self.admitted:
            return
        before = self._before(f"{suite.__name__}/{cell.name}", cell)
        if not self._fits(before[-1].seconds if before else 0.0):
            budget = self.config.stash[SETTINGS].budget
            raise LimitError(f"the budget of {budget:g} s is used up")
        self.admitted.add((suite, cell))

    def rank(self, folder: Path, suite: type, cell: Cell) -> tuple[float, str]:
        """When a cell's turn is: the suspicious first, then those not measured for long."""
        if (suite, cell) not in self.ranks:
            self.ranks[suite, cell] = self._rank(folder, f"{suite.__name__}/{cell.name}", cell)
        return self.ranks[suite, cell]

    def _rank(self, folder: Path, name: str, cell: Cell) -> tuple[float, str]:
        """The same, worked out."""
        before = self._before(name, cell)
        if not before:
            return 0.0, ""
        figures = (*before[-1].compared, "samples_per_second")
        return -_suspicion(self._trend(folder, name, before, []), cell, figures), before[-1].night

    def _before(self, name: str, cell: Cell) -> "list[Entry]":
        """Earlier runs of a cell on this class of devices."""
        device = device_class(schedule_of(self.config).runner.environment(), cell.device)
        return self.history.entries(name, device=device)

    @cached_property
    def _options(self) -> "tuple[str, ...]":
        """The session's options, without what the repository says itself."""
        from harness.judge.reports import rerun  # sessions without nights need none

        config = self.config
        folder = config.invocation_params.dir
        return rerun.options_of(config.stash[SETTINGS], config.stash[ROOT], folder)

    def _judge(self, request: pytest.FixtureRequest, cell: Cell, run: "Run") -> Tonight:
        """Train what the night takes, and compare."""
        from harness.judge.nightly.check import Night
        from harness.judge.reports.rerun import store_of

        settings, runner = self.config.stash[SETTINGS], schedule_of(self.config).runner
        suite = request.cls.__name__
        tonight = Tonight(
            suite=suite,
            cell=cell.name,
            file=os.path.relpath(request.path, request.config.stash[ROOT]),
            device=device_class(runner.environment(), cell.device),
            standing="not measured",
            message="",
            store=store_of(self._options),
        )
        try:
            self.admit(request.cls, cell)
        except LimitError as error:
            return replace(tonight, message=error.text)
        before = self._before(tonight.name, cell)
        folder = request.path.parent
        accepted = self._accepted(folder, tonight.name)
        reference = accepted.get(tonight.device)
        night = Night(
            date=night_of(self.config),
            run=run,
            store=runner.store,
            cell=cell,
            reference=reference,
            margin=request.cls.thresholds.margin,
            suspicion=lambda runs, figures: _suspicion(
                self._trend(folder, tonight.name, before, runs, reference), cell, figures
            ),
            fits=self._fits,
            elsewhere=sorted(accepted.keys() - {tonight.device}),
        )
        judgement = night.judge()
        trend = self._trend(folder, tonight.name, before, night.results, reference)
        moved = [*_moved(trend, cell)]
        return replace(
            tonight,
            standing=judgement.standing,
            message=judgement.message,
            records=tuple(result.key.path for result in night.results),
            worsened=tuple(message for better, message in moved if not better),
            improved=tuple(message for better, message in moved if better),
            accepting=settings.update or (settings.update_new_only and reference is None),
        )

    def _fits(self, seconds: float) -> bool:
        """Whether something that takes so long fits into what is left of the budget."""
        budget = self.config.stash[SETTINGS].budget
        return budget is None or time.monotonic() - self.started + seconds <= budget

    def _accepted(self, folder: Path, name: str) -> "dict[str, Reference]":
        """What was accepted of a cell of a suite in a folder, by class of devices."""
        from harness.judge.nightly.baseline import NAME, Baselines

        if folder not in self.baselines:
            self.baselines[folder] = Baselines.load(folder / NAME)
        return self.baselines[folder].cells.get(name, {})

    def _trend(
        self,
        folder: Path,
        name: str,
        before: "Sequence[Entry]",
        results: "Sequence[Result]",
        reference: "Reference | None" = None,
    ) -> "Trend":
        """The trend of a cell, of a suite in a folder, up to the runs so far."""
        from harness.judge.nightly import annotations
        from harness.judge.nightly.analysis import Trends, limit
        from harness.judge.reports.rerun import for_history
        from harness.judge.store import entry

        records = self.config.stash[SETTINGS].store / "records"
        now = {r.key.path: entry.read(records / r.key.path, r.key.path) for r in results}
        entries = [one for one in before if one.path not in now]
        entries += [replace(one, cell=name) for one, _ in now.values()]
        tonight = {one.environment: environment for one, environment in now.values()}
        if folder not in self.annotations:
            self.annotations[folder] = annotations.load(folder / annotations.NAME)
        cells = [cell for cells in self.config.stash.get(CELLS, {}).values() for cell in cells]
        return Trends(
            environments=self.history.environments() | tonight,
            annotations=self.annotations[folder],
            most=limit(map(_compared, cells)),
            options=for_history(self._options, self.config.args),
        ).of(name, entries, reference)


def nights_of(config: pytest.Config) -> NightlyRuns:
    """The session's nights."""
    return config.stash.setdefault(_NIGHTS, NightlyRuns(config))


def _compared(cell: Cell) -> "Sequence[str]":
    """Names of the metrics that nights compare; none where the rows are yet to decide."""
    return cell.dataset.compared_metrics


def _suspicion(trend: "Trend", cell: Cell, figures: "Sequence[str]") -> float:
    """How suspicious some figures are."""
    judged = set(figures) - _unjudged(cell)
    return max((line.suspicion for line in trend.lines if line.figure in judged), default=0.0)


def _unjudged(cell: Cell) -> set[str]:
    """Figures that nothing is concluded from: cells share a CPU's cores and memory."""
    return {"samples_per_second", "memory"} if cell.device == "cpu" else set()


def _moved(trend: "Trend", cell: Cell) -> "Iterator[tuple[bool, str]]":
    """Figures that are not where they were when somebody last accepted or explained them."""
    since = max((mark.night for mark in trend.marks if mark.kind != "environment"), default="")
    for line in (line for line in trend.lines if line.figure not in _unjudged(cell)):
        moves = [move for move in line.moves if line.nights[move.at] > since]
        move = moves[-1] if moves else None
        least = _LEAST.get(line.figure, 0.0)
        if move is not None and abs(move.after - move.before) >= least * abs(move.before):
            message = (
                f"{line.figure} went from {move.before:.4g} to {move.after:.4g} "
                f"on {line.nights[move.at]}"
            )
            parts = [message, *move.changes, *filter(None, [move.command])]
            yield move.better, "\n".join(parts)
        if line.drifted:
            yield False, f"{line.figure} had drifted away from its anchor by {line.drifted}"

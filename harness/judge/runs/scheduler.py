"""The schedule: cells train ahead of the tests that ask for them, as many at once as fit.

A tiny cell keeps one core busy. While the first cell's tests wait or run, the next cells train on
the other cores, so that a session costs less than training its cells one after the other.
"""

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as NotYet
from typing import Any, TypeVar

from harness.core import variations
from harness.core.dataset import TASKS
from harness.core.trial import Trials
from harness.judge.cell import Cell, base_of, tokenized_of
from harness.judge.runs.result import Result
from harness.judge.runs.runner import Runner

Made = TypeVar("Made")
Show = Callable[[Cell, int, int], None]
_POLL = 0.2


class Schedule:
    """Runs what a session will ask for before it asks."""

    def __init__(self, runner: Runner, processes: int) -> None:
        """Run at most this many things at once."""
        self.runner = runner
        self.pool = ThreadPoolExecutor(max_workers=processes)
        self.futures: dict[tuple[object, ...], Future[Any]] = {}
        self.reached: dict[Cell, tuple[int, int]] = {}
        runner.progress = self._note

    def expect(
        self, cells: Sequence[Cell], tried: Sequence[Cell], compared: Sequence[Cell]
    ) -> None:
        """Start on cells whose record, trials, or comparison of processes will be needed.

        Long ones go first, so that none is left to run alone at the end.
        """
        for cell in sorted(cells, key=_effort, reverse=True):
            self.futures["run", cell] = self.pool.submit(self.runner.run, cell)
        for cell in dict.fromkeys(map(tokenized_of, compared)):
            self.futures["compare", cell] = self.pool.submit(self.runner.compare_processes, cell)
        for cell in sorted(dict.fromkeys(map(base_of, tried)), key=_variety, reverse=True):
            self.futures["try", cell] = self.pool.submit(self.runner.trials, cell)

    def ahead(self, key: tuple[object, ...], make: Callable[[], Made]) -> "Future[Made]":
        """Start on something else that will be needed, known by its key."""
        if key not in self.futures:
            self.futures[key] = self.pool.submit(make)
        return self.futures[key]

    def run(self, cell: Cell, show: Show) -> Result:
        """The cell's result, as `Runner.run` gives it; shows how far it is while waiting."""
        future = self.futures.get(("run", cell))
        if future is None:
            return self.runner.run(cell)
        try:
            while True:
                with contextlib.suppress(NotYet):
                    result: Result = future.result(timeout=_POLL)
                    return result
                if cell in self.reached:
                    show(cell, *self.reached[cell])
        finally:
            if cell in self.reached:
                total = self.reached[cell][1]
                show(cell, total, total)

    def trials(self, cell: Cell) -> Trials:
        """As `Runner.trials`."""
        future = self.futures.get(("try", base_of(cell)))
        trials: Trials = self.runner.trials(cell) if future is None else future.result()
        return trials

    def compare_processes(self, cell: Cell) -> Any:
        """As `Runner.compare_processes`."""
        future = self.futures.get(("compare", tokenized_of(cell)))
        return self.runner.compare_processes(cell) if future is None else future.result()

    def settle(self) -> None:
        """Wait until nothing runs that was expected: what is timed must have the machine."""
        wait(self.futures.values())

    def close(self) -> None:
        """Give up what nobody has waited for, and end the workers."""
        for future in self.futures.values():
            future.cancel()
        self.runner.close()
        self.pool.shutdown()

    def _note(self, cell: Cell, step: int, total: int) -> None:
        """Remember how far a cell is; called by the thread that waits for its worker."""
        self.reached[cell] = (step, total)


_LONG = 512
"""Tokens that a model is thought to read, where nothing is known of it."""


def _variety(cell: Cell) -> int:
    """How many variations a cell's trials have."""
    return len(variations.names(cell.loop, cell.scale, TASKS[0]))


def _effort(cell: Cell) -> float:
    """A guess at how long a cell trains, good enough to order cells of one scale."""
    return (cell.recipe.max_length or cell.model.limit or _LONG) * cell.recipe.num_train_epochs

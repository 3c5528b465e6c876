"""The contests of a session: one for all cells that differ by their collation alone."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from harness.spec import Cell
from harness.stash import cell_of, schedule_of

if TYPE_CHECKING:
    from harness.contest import Contest

_CONTESTS = pytest.StashKey["Contests"]()
_FEWEST = 2
"""Rounds that an interval needs."""


@dataclass(slots=True)
class Contests:
    """Contests by the class that declares them and by what their cells share."""

    known: "dict[tuple[type, Cell], Contest]" = field(default_factory=dict)

    def of(self, request: pytest.FixtureRequest, cell: Cell) -> "Contest":
        """The contest of a test's cell; others end their children, which would take memory.

        Raises:
            HarnessError: it cannot be held.
        """
        key = (request.cls, _shared(cell))
        if key not in self.known:
            from harness.contest import Contest  # sessions without benchmarks need none

            entered = [
                other.recipe.collation
                for item in request.session.items
                if getattr(item, "cls", None) is request.cls
                and (other := cell_of(item)) is not None
                and _shared(other) == key[1]
            ]
            runner = schedule_of(request.config).runner
            kind = request.cls.lengths
            names, rounds = [*dict.fromkeys(entered)], _rounds(request.config)
            self.known[key] = Contest.of(runner, cell, names, kind, rounds)
        for other_key, contest in self.known.items():
            if other_key != key:
                contest.close()
        return self.known[key]

    def close(self) -> None:
        """End all children."""
        for contest in self.known.values():
            contest.close()


def contests_of(config: pytest.Config) -> Contests:
    """The session's contests."""
    return config.stash.setdefault(_CONTESTS, Contests())


def _rounds(config: pytest.Config) -> int:
    """How often pytest-benchmark wants everything timed."""
    if config.getoption("benchmark_disable", default=True):
        return _FEWEST
    return max(_FEWEST, int(config.getoption("benchmark_min_rounds")))


def _shared(cell: Cell) -> Cell:
    """What a cell has in common with those that it meets."""
    return replace(cell, name="", recipe=replace(cell.recipe, collation=""))

"""Tonight: what a session says of a cell beside its baseline and its history."""

import shlex
from dataclasses import dataclass

from harness.judge.finding import Status


@dataclass(frozen=True, kw_only=True, slots=True)
class Tonight:
    """One cell, tonight.

    Attributes:
        suite: the suite's class.
        cell: the id between the brackets.
        file: of the suite, below the root of its repository.
        device: class of the device.
        standing: `same`, `fixed` if it is better, `regressed`, `inconclusive`, `not measured`.
        message: what a reviewer should read.
        records: places of tonight's runs in the store, that of the recipe's own seed first.
        worsened: figures that have moved for the worse, as tonight showed.
        improved: likewise for the better.
        accepting: whether the session was to accept it.
        store: that has the runs; empty if it is the repository's own.
    """

    suite: str
    cell: str
    file: str
    device: str
    standing: Status
    message: str
    records: tuple[str, ...] = ()
    worsened: tuple[str, ...] = ()
    improved: tuple[str, ...] = ()
    accepting: bool = False
    store: str = ""

    @property
    def name(self) -> str:
        """Suite and cell."""
        return f"{self.suite}/{self.cell}"

    @property
    def measured(self) -> bool:
        """Whether it is known how the cell stands to its baseline."""
        return self.standing not in {"not measured", "inconclusive"}

    @property
    def command(self) -> str:
        """What accepts it."""
        return accepting(self.store, self.name)

    @property
    def advice(self) -> str:
        """The message, and what to do if it is meant to be so."""
        return f"{self.message}\nto accept it: {self.command}" if self.records else self.message


def accepting(store: str, *names: str) -> str:
    """The command that accepts cells; all of the night if none is named."""
    options = [f"--store={store}"] if store else []
    return shlex.join(["harness", "baseline", "accept", *names, *options]) + ' --because "…"'

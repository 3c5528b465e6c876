"""Tonight: what a session has found out about a cell, beside its baseline and its history.

It travels as JSON in a test report's properties, so that it arrives from the processes of
pytest-xdist as well.
"""

import json
import shlex
from dataclasses import asdict, dataclass
from typing import Self

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
        words: what a reviewer should read.
        records: places of tonight's runs in the store, that of the recipe's own seed first.
        worsened: figures that have moved for the worse, as tonight showed.
        improved: likewise for the better.
        accepting: whether the session was asked to accept it.
        store: that has the runs; empty if it is the repository's own.
    """

    suite: str
    cell: str
    file: str
    device: str
    standing: Status
    words: str
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
    def told(self) -> str:
        """The words, and what to do if it is meant to be so."""
        return f"{self.words}\nto accept it: {self.command}" if self.records else self.words

    def to_property(self) -> str:
        """It as a test report's property."""
        return json.dumps(asdict(self))

    @classmethod
    def from_property(cls, text: str) -> Self:
        """What `to_property` wrote."""
        told = json.loads(text)
        lists = {name: tuple(part) for name, part in told.items() if isinstance(part, list)}
        return cls(**told | lists)


def accepting(store: str, *names: str) -> str:
    """The command that accepts cells; all of the night if none is named."""
    options = [f"--store={store}"] if store else []
    return shlex.join(["harness", "baseline", "accept", *names, *options]) + ' --because "…"'

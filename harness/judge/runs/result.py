"""What the runner gives for a cell."""

from dataclasses import dataclass

from harness.core.record import Record
from harness.judge.store.local import Key


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """A cell's record and how it was come by.

    Attributes:
        record: of the cell.
        trained: whether this process trained it now.
        seconds: wall time that getting it took.
        key: its place in the store.
        notes: what a user should know of how its inputs came about.
    """

    record: Record
    trained: bool
    seconds: float
    key: Key
    notes: tuple[str, ...] = ()

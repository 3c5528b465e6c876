"""The parts of a session's record: a row for each cell, the outcome of each test, the commit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FAILED = frozenset({"failed", "error"})
"""Outcomes of a test that fail a session, as pytest counts them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CellRow:
    """One cell's line.

    Attributes:
        suite: the suite's class.
        suite_id: the id by which pytest knows that class.
        cell: the id between the brackets.
        dataset: of the recipe.
        model: of the recipe.
        collation: of the recipe.
        loop: of the recipe.
        scale: `tiny` or `full`.
        device: `cpu` or `cuda`.
        metrics: of the final evaluation; None where one is not finite.
        samples_per_second: training examples a second of the steps' own time.
        tokens_per_second: real tokens, likewise.
        padding: share of padding among the training batches' tokens.
        seconds: wall time that getting the record took.
        trained: False if the record came from the store.
        record: its place in the store.
        warnings: how many distinct ones the run raised.
    """

    suite: str
    suite_id: str
    cell: str
    dataset: str
    model: str
    collation: str
    loop: str
    scale: str
    device: str
    metrics: Mapping[str, float | None]
    samples_per_second: float
    tokens_per_second: float
    padding: float
    seconds: float
    trained: bool
    record: str
    warnings: int

    @property
    def name(self) -> str:
        """Suite and cell."""
        return f"{self.suite}/{self.cell}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of a test.

    Attributes:
        outcome: `passed`, `failed`, `error`, `skipped`, `xfailed` or `xpassed`.
        message: why it did not pass, in a line.
        expected: what it holds, where it failed.
        lost: why what it judges could not be had; empty if it could.
        loss: the whole error behind that, in the one test that shows it.
        crashed: whether judged code crashed, so that it was lost.
        distances: figures that it finds off; see `Distance.to_json`.
    """

    outcome: str
    message: str = ""
    expected: str = ""
    lost: str = ""
    loss: str = ""
    crashed: bool = False
    distances: tuple[Mapping[str, Any], ...] = ()

    @property
    def failed(self) -> bool:
        """Whether it fails the session."""
        return self.outcome in FAILED

    @property
    def violated(self) -> bool:
        """Whether what it holds does not hold; a known issue is such a case."""
        return self.failed or self.outcome == "xfailed"

    @property
    def held(self) -> bool:
        """Whether what it holds was judged, and holds."""
        return self.outcome in {"passed", "xpassed"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """The state of a repository: the commit, and changed files that are in none."""

    commit: str = ""
    dirty: tuple[str, ...] = ()

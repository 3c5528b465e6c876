"""The record of a session: the one form in which it goes from pytest to pages, files and history.

`reports/session.json` holds all of it. The store keeps what its own records do not say, for the
history; what the version before left there is still read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from harness.core import environment
from harness.core.errors import SpecError
from harness.judge.document import Document
from harness.judge.finding import Status
from harness.judge.node_id import NodeId
from harness.judge.session_parts import FAILED, CellRow, Outcome, Revision
from harness.judge.tonight import Tonight

NAME = "session.json"
VERSION = 2

NIGHTLY = frozenset({"test_baseline_holds", "test_trend_holds"})
"""Tests that judge a night, whose failures do not make it unfit to be accepted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionRecord:
    """What a session measured and judged.

    Attributes:
        version: of this form.
        night: ISO date.
        when: it ended, ISO 8601, UTC.
        command: that ran it.
        revision: of the repository.
        verdict: the session in a line.
        cells: a row for each.
        nights: cells beside their baselines, of a nightly session.
        records: places of the records in the store that it judged, by suite and cell.
        paces: lines of benchmarks; see `Pace.as_json`.
        tests: how many tests of suites have each outcome.
        outcomes: what became of each, by its id.
        judged_trials: how many tests judged trials, or whether a collation is sound.
        set_aside: corrupt records that were made anew, in a sentence each.
        not_measured: cells by the reason why they were not measured.
        known_issues: how many tests show each known issue.
        fixed_issues: how many tests show it no more.
        noise: how far apart trials were that must agree, the largest of every band; None if that
            is not finite.
        notes: what a user should know of how what was judged came about, a sentence each.
        environment: that was judged.
    """

    version: int = VERSION
    night: str
    when: str
    command: str = ""
    revision: Revision = field(default_factory=Revision)
    verdict: str = ""
    cells: tuple[CellRow, ...] = ()
    nights: tuple[Tonight, ...] = ()
    records: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    paces: tuple[Mapping[str, Any], ...] = ()
    tests: Mapping[str, int] = field(default_factory=dict)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    judged_trials: int = 0
    set_aside: tuple[str, ...] = ()
    not_measured: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    known_issues: Mapping[str, int] = field(default_factory=dict)
    fixed_issues: Mapping[str, int] = field(default_factory=dict)
    noise: Mapping[str, float | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def decode(cls, document: Document) -> Self:
        """The record that a file holds.

        Raises:
            SpecError: it holds none, or one of a newer version.
        """
        version = document.at(("version",))
        if isinstance(version, int) and version > VERSION:
            raise SpecError(
                f"{document.where(('version',))}: version {version} of a session is newer than "
                f"{VERSION}, the newest that this harness reads; upgrade finetune-harness"
            )
        if version == 1:
            earlier: _Version1 = document.decode(_Version1)
            failed = [test for cell in earlier.cells for test in cell.tests]
            return cls(
                night=earlier.night,
                when=earlier.when,
                command=earlier.command,
                revision=earlier.revision,
                nights=tuple(cell.tonight for cell in earlier.cells if cell.standing is not None),
                records={cell.name: cell.records for cell in earlier.cells},
                tests={"failed": len(failed)} if failed else {},
                outcomes={test: Outcome(outcome="failed") for test in failed},
                not_measured=earlier.not_measured,
                environment=earlier.environment,
            )
        record: Self = document.decode(cls)
        return record

    def to_json(self) -> dict[str, Any]:
        """The record as JSON types."""
        return asdict(self)

    @property
    def failed(self) -> bool:
        """Whether a test failed."""
        return not FAILED.isdisjoint(self.tests)

    @property
    def measured(self) -> bool:
        """Whether anything was measured."""
        return bool(self.cells or self.judged_trials or self.paces)

    def outcomes_of(self, cell: str) -> dict[str, Outcome]:
        """What became of the tests of a cell, given suite and cell."""
        return {
            test: outcome
            for test, outcome in self.outcomes.items()
            if NodeId.parse(test).cell_name == cell
        }

    def failures(self, cell: str) -> list[str]:
        """Tests of a cell that failed, but for those that judge the night itself."""
        outcomes = self.outcomes_of(cell).items()
        names = [NodeId.parse(test).test for test, outcome in outcomes if outcome.failed]
        return [name for name in names if name not in NIGHTLY]

    def for_history(self) -> "SessionRecord":
        """What the store keeps: records say the rest, and a year of sessions stays small."""
        return replace(
            self,
            cells=(),
            paces=(),
            outcomes={test: outcome for test, outcome in self.outcomes.items() if outcome.failed},
            environment=environment.summary(self.environment),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """A run of a cell in version 1."""

    record: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cell:
    """A cell in version 1; only that of a night has a standing, and what follows it."""

    suite: str
    cell: str
    device: str
    runs: tuple[_Run, ...]
    failed: tuple[str, ...] = ()
    standing: Status | None = None
    file: str = ""
    words: str = ""
    worsened: tuple[str, ...] = ()
    improved: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Suite and cell."""
        return f"{self.suite}/{self.cell}"

    @property
    def records(self) -> tuple[str, ...]:
        """Places of its records."""
        return tuple(run.record for run in self.runs)

    @property
    def tests(self) -> Iterable[str]:
        """Ids of the tests that failed."""
        return (f"{self.file}::{self.suite}::{test}[{self.cell}]" for test in self.failed)

    @property
    def tonight(self) -> Tonight:
        """It beside its baseline."""
        return Tonight(
            suite=self.suite,
            cell=self.cell,
            file=self.file,
            device=self.device,
            standing=self.standing or "not measured",
            message=self.words,
            records=self.records,
            worsened=self.worsened,
            improved=self.improved,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Version1:
    """What the store kept of a session in version 1."""

    version: int
    night: str
    when: str
    command: str
    revision: Revision
    environment: Mapping[str, Any]
    cells: tuple[_Cell, ...]
    not_measured: Mapping[str, tuple[str, ...]]

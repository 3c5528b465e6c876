"""Acceptance: what a night measured becomes the baseline, unless the night was not clean."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.core.environment import JUDGED
from harness.core.errors import StoreError
from harness.core.record import Record
from harness.judge.nightly.baseline import NAME, Accepted, Baselines, Run
from harness.judge.nightly.check import answers, first
from harness.judge.nightly.other_recipe import declared
from harness.judge.nightly.signals import ROUND
from harness.judge.session_record import SessionRecord
from harness.judge.store.entry import final_metrics
from harness.judge.store.local import Store
from harness.judge.tonight import Tonight


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepting:
    """Who accepts, and why.

    Attributes:
        root: folder that the suites' files are named from.
        store: has the records.
        command: that accepts.
        because: why.
        new_only: leave what has a baseline.
        anchor: move the anchor, too.
    """

    root: Path
    store: Store
    command: str
    because: str
    new_only: bool = False
    anchor: bool = False

    def accept(
        self, session: SessionRecord, wanted: Callable[[str], bool]
    ) -> tuple[list[str], list[str]]:
        """Accept cells of a night: the names of those accepted, and why others were not.

        Args:
            session: that measured it.
            wanted: whether a cell of that name is meant.

        Raises:
            HarnessError: nothing says why, or a record or a baseline cannot be read or written.
        """
        files: dict[Path, Baselines] = {}
        changed: dict[Path, Baselines] = {}
        accepted, refused = [], []
        for cell in session.nights:
            if not wanted(cell.name):
                continue
            path = (self.root / cell.file).parent / NAME
            if path not in files:
                files[path] = Baselines.load(path)
            baselines = files[path]
            known = baselines.of(cell.name, cell.device)
            if cell.standing == "same" or (self.new_only and known is not None):
                continue
            why = next(_refusals(session, cell), "")
            if why:
                refused.append(f"{cell.name}: {why}")
                continue
            runs = self._records(cell)
            missing = _missing(runs)
            if missing:
                refused.append(f"{cell.name}: a run's {', '.join(missing)} is no number")
                continue
            reference = self._accepted(session, runs)
            baselines.accept(cell.name, cell.device, reference, anchor=self.anchor)
            accepted.append(cell.name)
            changed[path] = baselines
        for baselines in changed.values():
            baselines.save()
        return accepted, refused

    def _records(self, cell: Tonight) -> list[tuple[str, Record]]:
        """A cell's records, each with its place in the store."""
        runs = []
        for path in cell.records:
            folder = self.store.open(f"records/{path}")
            if folder is None:
                raise StoreError(
                    f"the record {path} is gone from the store",
                    fix="run pytest -m nightly again, which trains what is missing",
                )
            runs.append((path, Record.read(folder)))
        return runs

    def _accepted(self, session: SessionRecord, runs: Sequence[tuple[str, Record]]) -> Accepted:
        """A cell's runs as a reference."""
        own = runs[0][1]
        losses, norms = first(own)
        packages = own.environment["packages"]
        versions = {name: packages[name] for name in JUDGED if name in packages}
        return Accepted(
            series=own.series,
            recipe=declared(own.recipe),
            runs=tuple(
                Run(
                    seed=record.recipe.seed,
                    record=path,
                    predictions=answers(record),
                    metrics=final_metrics(record.evaluation().metrics),
                    samples_per_second=round(record.samples_per_second, 2),
                )
                for path, record in runs
            ),
            losses=losses,
            norms=norms,
            environment={"python": own.environment["python"], **versions},
            night=session.night,
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            command=self.command,
            because=self.because,
        )


def _missing(runs: Sequence[tuple[str, Record]]) -> list[str]:
    """Metrics that nights compare, and that a run does not have."""
    return sorted(
        {
            name
            for _, record in runs
            for name in record.compared_metrics
            if name not in final_metrics(record.evaluation().metrics)
        }
    )


def _refusals(session: SessionRecord, cell: Tonight) -> Iterator[str]:
    """Why a cell of a night is not to be accepted."""
    if session.revision.dirty:
        files = ", ".join(session.revision.dirty)
        yield f"it was measured with changes that are not committed: {files}"
    failures = session.failures(cell.name)
    if failures:
        yield f"{', '.join(failures)} failed"
    if len(cell.records) < ROUND:
        count = len(cell.records)
        yield f"a spread takes {ROUND} runs, and it has {count}: give the night more time"

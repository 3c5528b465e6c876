"""Acceptance: what a night measured becomes the baseline, unless the night was not clean."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.core.environment import JUDGED
from harness.core.errors import StoreError
from harness.core.record import Record
from harness.judge.nightly.baseline import NAME, Accepted, Baselines, Run
from harness.judge.nightly.check import answers, declared, first
from harness.judge.nightly.signals import ROUND
from harness.judge.store.local import Store


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
        self, session: Mapping[str, Any], wanted: Callable[[str], bool]
    ) -> tuple[list[str], list[str]]:
        """Accept cells of a night: the names of those accepted, and why others were not.

        Args:
            session: what it left; see `harness.judge.reports.session_record`.
            wanted: whether a cell of that name is meant.

        Raises:
            HarnessError: nothing says why, or a record or a baseline cannot be read or written.
        """
        files: dict[Path, Baselines] = {}
        changed: dict[Path, Baselines] = {}
        accepted, refused = [], []
        for told in session["cells"]:
            name = f"{told['suite']}/{told['cell']}"
            if "standing" not in told or not wanted(name):
                continue
            path = (self.root / told["file"]).parent / NAME
            if path not in files:
                files[path] = Baselines.load(path)
            found = files[path]
            known = found.of(name, told["device"])
            if told["standing"] == "same" or (self.new_only and known is not None):
                continue
            why = next(_refusals(session, told), "")
            if why:
                refused.append(f"{name}: {why}")
                continue
            found.accept(name, told["device"], self._accepted(session, told), anchor=self.anchor)
            accepted.append(name)
            changed[path] = found
        for found in changed.values():
            found.save()
        return accepted, refused

    def _accepted(self, session: Mapping[str, Any], told: Mapping[str, Any]) -> Accepted:
        """A cell's runs as a reference."""
        runs = []
        for run in told["runs"]:
            folder = self.store.open(f"records/{run['record']}")
            if folder is None:
                raise StoreError(
                    f"the record {run['record']} is gone from the store",
                    fix="run pytest -m nightly again, which trains what is missing",
                )
            runs.append((run["record"], Record.read(folder)))
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
                    metrics=_metrics(record),
                    samples_per_second=round(record.samples_per_second, 2),
                )
                for path, record in runs
            ),
            losses=losses,
            norms=norms,
            environment={"python": own.environment["python"], **versions},
            night=session["night"],
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            command=self.command,
            because=self.because,
        )


def _metrics(record: Record) -> dict[str, float]:
    """Metrics of the final evaluation that are not about its time."""
    found = record.evaluation().metrics
    return {name: found[name] for name in ("accuracy", "f1", "loss") if name in found}


def _refusals(session: Mapping[str, Any], told: Mapping[str, Any]) -> Iterator[str]:
    """Why a cell of a night is not to be accepted."""
    if session["revision"]["dirty"]:
        files = ", ".join(session["revision"]["dirty"])
        yield f"it was measured with changes that are not committed: {files}"
    if told["failed"]:
        yield f"{', '.join(told['failed'])} failed"
    if len(told["runs"]) < ROUND:
        have = len(told["runs"])
        yield f"a spread takes {ROUND} runs, and it has {have}: give the night more time"

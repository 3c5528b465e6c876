"""Preparation: has a cell's inputs ready, and made where they are not.

What the catalog knows lies ready. A user's rows are read by the judged interpreter, with the
libraries that train on them, and kept as tables below `inputs/` of the store, on this machine only:
by the bytes that were read, and by the environment that read them.
"""

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.core import digest
from harness.core.errors import HarnessError, MissingSourceError
from harness.core.job import LoadJob
from harness.core.recipe import Scale
from harness.core.schema import Schema
from harness.judge import catalog
from harness.judge.catalog import DatasetSource, ModelSource
from harness.judge.cell import Cell
from harness.judge.runs import rows
from harness.judge.runs.inputs import Inputs, Tables
from harness.judge.runs.launcher import Launcher
from harness.judge.runs.sources import Sources
from harness.judge.store.input_store import InputStore

TINY_ROWS = {"train": catalog.TINY_MOST_ROWS, "evaluation": 256, "holdout": 256}
"""Rows of each split that are kept of a user's data at the tiny scale."""


@dataclass(slots=True)
class Preparation:
    """Finds what cells train on, each once; or makes it.

    Attributes:
        sources: of what lies ready.
        store: keeps what is made.
        launcher: gives the judged interpreter's.
        environment: its key; called when it is first needed.
        timeout: seconds that making something may take.
    """

    sources: Sources
    store: InputStore
    launcher: Callable[[], Launcher]
    environment: Callable[[], str]
    timeout: float
    _known: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def find(self, cell: Cell) -> Inputs:
        """Everything that a cell trains on.

        Raises:
            MissingSourceError: something is nowhere; the message lists every place tried.
            SourceError: something is refused or malformed.
        """
        return self._inputs(cell.dataset, cell.model, cell.scale)

    def find_tokens(self, cell: Cell) -> Inputs:
        """What tells the lengths of a cell's examples: another model's tokenizer will do.

        Raises:
            MissingSourceError: neither the model nor one of the same vocabulary is anywhere.
            SourceError: something is refused or malformed.
        """
        missing = None
        for model in (cell.model, *catalog.kin(cell.model)):
            try:
                return self._inputs(cell.dataset, model, cell.scale)
            except MissingSourceError as error:
                missing = missing or error
        assert missing is not None  # noqa: S101 - the model itself was looked for
        raise missing

    def _inputs(self, dataset: DatasetSource, model: ModelSource, scale: Scale) -> Inputs:
        """What a data set and a model are at a scale."""
        names = (dataset.own or dataset.name, dataset.root, model.own or model.name, model.root)
        inputs: Inputs = self._once(
            ("inputs", *names, scale), lambda: self._look_up(dataset, model, scale)
        )
        return inputs

    def _look_up(self, dataset: DatasetSource, model: ModelSource, scale: Scale) -> Inputs:
        """The same, looked up."""
        tables = self._once(
            ("tables", dataset.own or dataset.name, dataset.root, scale),
            lambda: self._tables(dataset, scale),
        )
        checkpoint = self.sources.checkpoint(model, scale)
        return Inputs(tables=tables, model=checkpoint, notes=tables.notes)

    def _once(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """What making something gives, once; its error again if it was one."""
        with self._lock:
            if key not in self._known:
                try:
                    self._known[key] = make()
                except HarnessError as error:
                    self._known[key] = error
            known = self._known[key]
        if isinstance(known, HarnessError):
            raise known
        return known

    def _tables(self, dataset: DatasetSource, scale: Scale) -> Tables:
        """A data set's tables: a user's are written by the judged interpreter."""
        own = dataset.own
        if own is None:
            return self.sources.tables(dataset, scale)
        located = rows.locate(own, dataset.root, hub=self.sources.hub)
        limits = TINY_ROWS if scale == "tiny" else {}
        job = LoadJob(
            dataset=own, files=located.files, root=str(dataset.root.absolute()), limits=limits
        )
        key = digest.of_json(
            {"job": asdict(job) | {"root": ""}, "bytes": located.digests(), "scale": scale}
        )
        name = f"data-{dataset.folder}-{key[:12]}"
        folder = self._made(name, job.to_json(), lasting=located.lasting)
        return self._read(folder, dataset, scale, located.origin)

    def _read(self, folder: Path, dataset: DatasetSource, scale: Scale, origin: str) -> Tables:
        """The tables in a folder that a worker has written."""
        card: Mapping[str, Any] = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        schema = Schema(
            texts=tuple(card["texts"]), label_names=tuple(card["label_names"]), task=card["task"]
        )
        names = dataset.metrics or catalog.TASK_METRICS[schema.task]
        reported = [name for name in catalog.metric_names(names) if name != "loss"]
        return Tables(
            files={split: (folder / f"{split}.parquet",) for split in card["splits"]},
            schema=schema,
            metrics=self.sources.metrics(names, scale),
            compared_metrics=tuple(reported[:1]) or ("loss",),
            f1_average="binary" if len(schema.label_names) == 2 else "weighted",  # noqa: PLR2004
            ceiling={},
            origin=origin,
            notes=tuple(card["notes"]),
        )

    def _made(self, name: str, job: Mapping[str, Any], *, lasting: bool) -> Path:
        """The folder that a worker fills by a job; kept for later sessions if it lasts."""
        session = "" if lasting else f"-{id(self):x}"
        path = f"{name}/{self.environment()[:12]}{session}"
        with self.store.lock(path):
            known = self.store.get(path)
            if known is not None:
                return known
            launcher = self.launcher()
            with self.store.make(path) as output, launcher.scratch() as scratch:
                whole = {**job, "output": str(output), "scratch": str(scratch)}
                with closing(launcher.converse(whole, scratch / "log")) as child:
                    child.await_result(self.timeout)
        return self.store.root / "inputs" / path

"""Preparation: has a cell's inputs ready, and made where they are not.

What the catalog knows lies ready. A user's rows are read by the judged interpreter, with the
libraries that train on them, and kept as tables below `inputs/` of the store, on this machine only:
by the bytes that were read, and by the environment that read them.
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import filterfalse
from pathlib import Path
from typing import Any

from harness.core import digest
from harness.core.dataset import Dataset, Task, is_reference
from harness.core.errors import HarnessError, MissingSourceError, SourceError, unknown
from harness.core.job import LoadJob, ShrinkJob
from harness.core.metric_names import AVERAGES, module_of
from harness.core.recipe import Scale
from harness.core.schema import Schema
from harness.core.survey import Survey
from harness.judge import catalog, reported_metrics
from harness.judge.catalog import DatasetSource, ModelSource
from harness.judge.cell import Cell
from harness.judge.runs import failures, imported_files, stand_ins
from harness.judge.runs.inputs import Inputs, Tables
from harness.judge.runs.launcher import Launcher
from harness.judge.runs.loading import Loading
from harness.judge.runs.originals import Original, Originals
from harness.judge.runs.safety import refuse_code, refuse_unsafe
from harness.judge.runs.sources import Sources, embedded
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
        session: whose processes share failures.
    """

    sources: Sources
    store: InputStore
    launcher: Callable[[], Launcher]
    environment: Callable[[], str]
    timeout: float
    session: str
    _known: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def find(self, cell: Cell) -> Inputs:
        """Everything that a cell trains on.

        Raises:
            MissingSourceError: something is nowhere; the message lists every place tried.
            SourceError: something is refused or malformed.
        """
        return self._tokenized_by(cell, self._inputs(cell.dataset, cell.model, cell.scale))

    def find_tokens(self, cell: Cell) -> Inputs:
        """What tells the lengths of a cell's examples: another model's tokenizer will do.

        Raises:
            MissingSourceError: neither the model nor one of the same vocabulary is anywhere.
            SourceError: something is refused or malformed.
        """
        missing = None
        for model in (cell.model, *catalog.kin(cell.model)):
            try:
                return self._tokenized_by(cell, self._inputs(cell.dataset, model, cell.scale))
            except MissingSourceError as error:
                missing = missing or error
        assert missing is not None  # noqa: S101 - the model itself was looked for
        raise missing

    def _tokenized_by(self, cell: Cell, inputs: Inputs) -> Inputs:
        """The same with what decides how a user's function tokenizes."""
        references = [*filter(None, (cell.recipe.tokenize, cell.loop.reference))]
        if not references:
            return inputs
        files = {file for one in references for file in imported_files.files_of(one, cell.root)}
        return replace(inputs, code=digest.of_files(sorted(files), cell.root))

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
        original = self._original(model, scale)
        if scale == "full" or stand_ins.is_embedded(model, tables):
            folder = original.folder or self.sources.checkpoint(model, scale)
            refuse_unsafe(folder)
            return Inputs(
                tables=tables, model=folder, tokenizer=original.tokenizer, notes=tables.notes
            )
        if original.folder and original.tokenizer is None and stand_ins.is_small(original.folder):
            refuse_unsafe(original.folder)
            return Inputs(tables=tables, model=original.folder, notes=tables.notes)
        if original.folder:
            refuse_code(original.folder)
        rows, task = stand_ins.rows_of(tables), tables.schema.task
        folder = self._shrunk(stand_ins.job(model, original, rows, task), tables)
        return Inputs(
            tables=tables, model=folder, notes=(*tables.notes, stand_ins.differences(folder))
        )

    def shrink(self, model: ModelSource, rows: LoadJob | None, task: Task, output: Path) -> None:
        """Write a stand-in of a model into an empty folder of the user's.

        Raises:
            MissingSourceError: the model is nowhere.
            SourceError: it is refused, or cannot be shrunk.
        """
        original = self._original(model, "tiny")
        if original.folder:
            refuse_code(original.folder)
        self._fill(stand_ins.job(model, original, rows, task).to_json(), output)

    def _original(self, model: ModelSource, scale: Scale) -> Original:
        """Where a declared model lies; nowhere if it is none, or a configuration alone.

        Raises:
            MissingSourceError: it should lie somewhere.
        """
        if model.own is None:
            return Original(folder=None, tokenizer=None)
        originals = Originals(folders=self.sources.folders, hub=self.sources.hub)
        if scale == "full" and model.own.path is None:
            raise MissingSourceError(
                f"{model.name} has no checkpoint",
                why="it is a configuration alone, of which the tiny scale makes a stand-in",
                fix="add path to its Model, or scales=('tiny',) to the suite",
            )
        return originals.find(model, model.own, whole=scale == "full")

    def _shrunk(self, job: ShrinkJob, tables: Tables) -> Path:
        """The folder of a stand-in that a worker makes of a model."""
        key = stand_ins.key(job, tables.key)
        path = f"model-{catalog.slug(job.name)}-{key[:12]}/any"  # whatever the environment
        return self._made(path, job.to_json())

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
        loading = Loading.of(
            own, dataset.root, limits=TINY_ROWS if scale == "tiny" else {}, hub=self.sources.hub
        )
        path = f"data-{dataset.folder}-{loading.key[:12]}/{self.environment()[:12]}"
        with self.store.lock(path), failures.shared(self.session, path):
            folder = loading.known(self.store, path)
            if folder is None:
                folder = self.store.add(path, partial(self._fill, loading.job.to_json()))
        tables = self._read(folder, dataset, scale, loading.origin)
        return replace(tables, key=loading.key_of(folder))

    def _metrics(self, names: Sequence[str], root: Path, scale: Scale) -> dict[str, Path]:
        """Folders of the metrics that a user's data set names; of its own functions, the root.

        Raises:
            SourceError: one is nowhere; the message names the nearest of the embedded ones.
        """
        try:
            modules = self.sources.metrics(filterfalse(is_reference, names), scale)
            return {name: modules.get(name, root.absolute()) for name in names}
        except MissingSourceError as error:
            there = sorted(folder.name for folder in (embedded() / "metrics").iterdir())
            named = filterfalse(is_reference, names)
            missing = next(name for name in named if module_of(name)[0] not in there)
            hint = unknown("metric", missing, [*there, *(f"f1_{average}" for average in AVERAGES)])
            raise SourceError(hint.what, why=error.why, fix=f"{hint.fix}; or {error.fix}") from None

    def _read(self, folder: Path, dataset: DatasetSource, scale: Scale, origin: str) -> Tables:
        """The tables in a folder that a worker has written."""
        card: Mapping[str, Any] = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        schema = Schema(
            texts=tuple(card["texts"]), label_names=tuple(card["label_names"]), task=card["task"]
        )
        names = dataset.metrics or reported_metrics.TASK_METRICS[schema.task]
        reported = [name for name in reported_metrics.metric_names(names) if name != "loss"]
        return Tables(
            files={split: (folder / f"{split}.parquet",) for split in card["splits"]},
            schema=schema,
            metrics=self._metrics(names, dataset.root, scale),
            compared_metrics=dataset.compared_metrics or tuple(reported[:1]),
            f1_average="binary" if len(schema.label_names) == 2 else "weighted",  # noqa: PLR2004
            ceiling={},
            origin=origin,
            own=True,
            notes=tuple(f"{dataset.name}: {note}" for note in card["notes"]),
            rows=card["rows"],  # cards of the first weeks have none
        )

    def _made(self, path: str, job: Mapping[str, Any]) -> Path:
        """The folder that a worker fills by a job; kept for later sessions."""
        with self.store.lock(path):
            known = self.store.get(path)
            if known is not None:
                return known
            with self.store.make(path) as output:
                self._fill(job, output)
        return self.store.root / "inputs" / path

    def survey(self, dataset: Dataset, root: Path) -> Survey:
        """What the rows of a data set seem to be, of which as much is declared as is known.

        Raises:
            SourceError: they are not there or cannot be read, or it cannot be told.
        """
        loading = Loading.of(dataset, root, limits={}, hub=self.sources.hub)
        job = replace(loading.job, kind="survey").to_json()
        return Survey.from_json(self._fill(job, None))

    def _fill(self, job: Mapping[str, Any], output: Path | None) -> Any:
        """Have a worker fill a folder; or answer, where there is none."""
        launcher = self.launcher()
        with launcher.scratch() as scratch:
            whole = {**job, "output": str(output or ""), "scratch": str(scratch)}
            with closing(launcher.converse(whole, scratch / "log")) as child:
                return child.await_result(self.timeout)

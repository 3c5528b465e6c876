"""The runner: looks a record up, else launches a worker. The only cache policy there is."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from harness.core import cores, environment
from harness.core.errors import HarnessError, NotStoredError, StoreError
from harness.core.job import Kind
from harness.core.record import Record
from harness.core.trial import Trials
from harness.judge.cell import Cell, base_of, tokenized_of
from harness.judge.console import silence
from harness.judge.runs import assignment, described, failures, store_miss
from harness.judge.runs.answer_cache import AnswerCache
from harness.judge.runs.child import Child
from harness.judge.runs.inputs import Inputs
from harness.judge.runs.launcher import Launcher
from harness.judge.runs.live import LiveChildren
from harness.judge.runs.preparation import Preparation
from harness.judge.runs.result import Result
from harness.judge.runs.sources import Sources, hub_is_offline
from harness.judge.settings import Settings
from harness.judge.store import staging
from harness.judge.store.input_store import InputStore
from harness.judge.store.local import Key, Store
from harness.judge.store.remote import Remote

Progress = Callable[[Cell, int, int], None]
Kept = TypeVar("Kept", Record, Trials)
Read = Callable[[Path], Kept]
Ask = Callable[[Mapping[str, Any]], Any]


@dataclass(slots=True, repr=False)  # what it has had by then would take a megabyte
class Runner:
    """Gets records of cells, and answers of live children, in one judged interpreter.

    Attributes:
        settings: of the session.
        session: names the session; processes that share it share failures and fresh attempts.
        progress: called while a cell trains.
        night: whose records are to be had, or made; any if empty.
        announce: called with what takes long, when it begins.
        explains: whether to announce why a run that is stored is none of the judged environment.

    A `fault` is a Python file to run in the worker first, to prove what would be noticed; what
    comes of it stays out of the store.
    """

    settings: Settings
    session: str
    progress: Progress | None = None
    night: str = ""
    announce: Callable[[str], None] = silence
    explains: bool = False
    launcher: Launcher = field(init=False)
    store: Store = field(init=False)
    inputs: Preparation = field(init=False)
    _describe: Callable[[], dict[str, Any]] = field(init=False)
    _announced: bool = False
    _known: dict[tuple[Kind, Cell], Any] = field(default_factory=dict)
    _answers: AnswerCache = field(init=False)
    _live: LiveChildren = field(init=False)

    def __post_init__(self) -> None:
        """Open the store; nothing is started yet."""
        remote = self.settings.remote
        self.store = Store(self.settings.store, Remote(remote) if remote else None)
        self.launcher = Launcher(  # makes a folder, which nobody would remove if that failed
            self.settings.python,
            announce=self.announce,
            pass_environment=self.settings.pass_environment,
        )
        self._describe = described.once(lambda: self.launcher, self.settings.store, self.announce)
        self.inputs = Preparation(
            sources=Sources(folders=self.settings.sources, hub=not hub_is_offline()),
            store=InputStore(self.settings.store),
            launcher=lambda: self.launcher,
            environment=self._environment_key,
            timeout=self.settings.timeout,
            session=self.session,
        )
        self._live = LiveChildren(self.settings.timeout)
        self._answers = AnswerCache(
            store=self.store,
            environment=self._environment_key,
            may_ask=self._may_make,
            fresh=self.settings.fresh,
        )

    def environment(self) -> dict[str, Any]:
        """The judged environment; see `harness.core.environment.describe`.

        Raises:
            InterpreterError: the interpreter does not start, or lacks what is to be judged.
        """
        return self._describe()

    def _environment_key(self) -> str:
        """Its key, for what a single thread of the CPU computes."""
        return environment.key(self.environment(), device="cpu", threads=1)

    def run(self, cell: Cell) -> Result:
        """The cell's record, from the store or trained now.

        Raises:
            HarnessError: it could not be had; the same error again for the same cell.
        """
        started = time.perf_counter()
        record, trained, key = self._once("train", cell, Record.read)
        return Result(
            record=record,
            trained=trained,
            seconds=time.perf_counter() - started,
            key=key,
            notes=self.inputs.find(cell).notes,
        )

    def trials(self, cell: Cell) -> Trials:
        """The cell's trials, from the store or tried now; cells of the same base share them.

        Raises:
            HarnessError: they could not be had; the same error again for the same cell.
        """
        trials, _, _ = self._once("try", base_of(cell), Trials.read)
        return trials

    def run_faulty(self, cell: Cell, fault: Path) -> Record:
        """The record of the cell with a fault injected; it stays out of the store."""
        with self.launcher.scratch() as folder:
            self._make("train", cell, folder, fault)
            return Record.read(folder).with_arrays_in_memory()

    def try_faulty(self, cell: Cell, fault: Path, names: tuple[str, ...] | None = None) -> Trials:
        """The trials of the cell with a fault injected; only those of some names if given."""
        chosen = {} if names is None else {"variations": names}
        with self.launcher.scratch() as folder:
            self._make("try", base_of(cell), folder, fault, **chosen)
            return Trials.read(folder)

    def compare_processes(self, cell: Cell, fault: Path | None = None) -> Any:
        """What tokenizing in spawned processes gives; see `harness.worker.tokenize`."""
        cell = tokenized_of(cell)
        inputs = self.inputs.find(cell)
        request = {"compare_processes": cell.recipe.key, "inputs": inputs.digests()}
        if fault is not None:
            return self._short(cell, inputs, "tokenize", fault)
        return self._answers.get(request, lambda: self._short(cell, inputs, "tokenize"))

    def lengths(self, cell: Cell) -> list[int]:
        """Tokens of each of the cell's training examples, uncut."""
        inputs = self.inputs.find_tokens(cell)
        request = {"lengths": cell.recipe.key, "inputs": inputs.digests()}
        return list(self._answers.get(request, lambda: self._short(cell, inputs, "measure")))

    def collate(self, cell: Cell, request: Mapping[str, Any]) -> Any:
        """A live child's answer to a request, by the cell's collation.

        See `harness.worker.collators`.
        """
        inputs = self.inputs.find(cell)
        request = {**request, "collation": asdict(cell.collation)}

        def ask() -> Any:
            serving = partial(self._serving, "collate", cell, inputs)
            return self._live.ask(str(inputs.model), serving, request)

        return self._answers.get(
            {"collate": request, "tokenizer": assignment.tokenizer_digest(inputs)}, ask
        )

    def proven(self, cell: Cell, lengths: Sequence[int], ask: Callable[[], Any]) -> Any:
        """How sound the cell's collation is on examples of some lengths, remembered or new."""
        inputs = self.inputs.find_tokens(cell)
        request = {
            "prove": cell.recipe.key,
            "lengths": lengths,
            "architecture": self.architecture(cell),
            "tokenizer": assignment.tokenizer_digest(inputs),
            "device": cell.device,
            "threads": self.threads(cell),
        }
        return self._answers.get(request, ask)

    @contextmanager
    def timed(
        self, cell: Cell, fault: Path | None = None
    ) -> Iterator[Callable[[], dict[str, float]]]:
        """What trains a cell anew whenever called, and returns its seconds by phase."""
        inputs = self.inputs.find(cell)
        with self._serving("time", cell, inputs, fault) as child:
            yield lambda: child.ask({}, self.settings.timeout)

    @contextmanager
    def paced(self, cell: Cell, fault: Path | None = None) -> Iterator[Ask]:
        """What runs batches of the cell's architecture; see `harness.worker.pace`."""
        inputs = self.inputs.find_tokens(cell)
        with self._serving("pace", cell, inputs, fault) as child:
            yield lambda request: child.ask(request, self.settings.timeout)

    def architecture(self, cell: Cell) -> Mapping[str, Any]:
        """The configuration of the cell's model: the stand-in's, or the original's."""
        return assignment.architecture(cell, self.inputs.find_tokens(cell))

    def close(self) -> None:
        """Keep what live children answered, and end the workers."""
        self._answers.keep()
        self._live.close()
        self.launcher.close()

    def threads(self, cell: Cell) -> int:
        """CPU threads of a cell's run: tiny operators only lose by sharing the work."""
        if self.settings.threads is not None:
            return self.settings.threads
        return 1 if cell.scale == "tiny" else cores.usable()

    def _once(self, kind: Kind, cell: Cell, read: Read[Kept]) -> tuple[Kept, bool, Key]:
        """What `_look_up_or_make` gives, called once; its error again if it was one."""
        known = self._known.get((kind, cell))
        if known is None:
            try:
                known = self._look_up_or_make(kind, cell, read)
            except HarnessError as error:
                known = error
            except OSError as error:
                known = staging.unwritten(error, self.launcher.folder)
            self._known[kind, cell] = known
        if isinstance(known, HarnessError):
            raise known
        return known

    def _look_up_or_make(self, kind: Kind, cell: Cell, read: Read[Kept]) -> tuple[Kept, bool, Key]:
        """What a worker leaves behind for a cell, whether it was made now, and its key."""
        inputs = self.inputs.find(cell)
        judged = environment.key(self.environment(), device=cell.device, threads=self.threads(cell))
        again = self.session if self.settings.fresh else ""
        key = assignment.key(kind, cell, inputs, judged, assignment.attempt(self.night, again))
        kept = self.store.get(key, read)
        if kept is not None:
            return kept, False, key
        expected = self.explains and not again and not self.night
        self._may_make(store_miss.explain(self.store, key, self.environment()) if expected else "")
        with self.store.lock(key):
            kept = self.store.get(key, read)  # whoever held the lock before may have made it
            if kept is not None:
                return kept, False, key
            with failures.shared(self.session, key.path), self.store.staging(key) as staged:
                self._make(kind, cell, staged)
        kept = self.store.get(key, read)
        if kept is None:
            raise StoreError(
                f"the store {self.store.root} was deleted while a run wrote there",
                fix="run the same again",
            )
        return kept, True, key

    def _may_make(self, why: str = "") -> None:
        """Start nothing where only the store may answer; else say once why it cannot.

        Raises:
            NotStoredError: this is so.
        """
        if self.settings.stored:
            fix = "without --harness-stored, pytest trains what is missing"
            raise NotStoredError("not in the store", why=why, fix=fix)
        if why and not self._announced:
            self._announced = True
            self.announce(why)

    def _make(
        self, kind: Kind, cell: Cell, output: Path, fault: Path | None = None, **fields: Any
    ) -> None:
        """Have a worker train or try the cell into a folder, by a job with some other fields."""
        report = self.progress if kind == "train" else None
        inputs, judged = self.inputs.find(cell), self.environment()
        with self._serving(kind, cell, inputs, fault, output=str(output), **fields) as child:
            child.await_result(self.settings.timeout, partial(report, cell) if report else None)
        assignment.complete(kind, output, cell, inputs, judged)

    def _short(self, cell: Cell, inputs: Inputs, kind: Kind, fault: Path | None = None) -> Any:
        """What a worker answers to a job that leaves nothing behind."""
        with self._serving(kind, cell, inputs, fault) as child:
            return child.await_result(self.settings.timeout)

    @contextmanager
    def _serving(
        self, kind: Kind, cell: Cell, inputs: Inputs, fault: Path | None = None, /, **fields: Any
    ) -> Iterator[Child]:
        """A child that does a job about a cell, some fields of which are others, until the end."""
        with self.launcher.scratch() as scratch:
            job = assignment.assign(kind, cell, inputs, scratch, threads=self.threads(cell))
            fields["fault"] = None if fault is None else str(fault.resolve())
            conversation = self.launcher.converse(replace(job, **fields).to_json(), scratch / "log")
            with closing(conversation) as child:
                yield child

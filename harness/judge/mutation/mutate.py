"""Proving: tests for the tests. Break the judged libraries, and see which invariants notice.

A fault is a Python file that a worker runs before its job. It is noticed when an invariant fails
with it that holds without it, or when the run itself does not end. Where it changes nothing, or is
one of a task that nothing trains, there was nothing to notice, and that is said.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness.core.errors import HarnessError, InjectionError
from harness.core.recipe import Recipe
from harness.judge.cell import Cell, base_of
from harness.judge.mutation import evidence
from harness.judge.mutation.fault_file import FaultFile
from harness.judge.runs.runner import Runner
from harness.judge.suite import evaluate
from harness.judge.suite.evaluate import InvariantResult, Subject

CRASH = "(the run itself)"
"""Stands among the invariants for a run that a fault did not let end."""

SEEDS = range(1, 1_000)


@dataclass(frozen=True, kw_only=True, slots=True)
class Exhibit:
    """What came of one fault in one cell.

    Attributes:
        fault: its name.
        what: the first line of its docstring.
        cell: the cell in which it was noticed, or the last in which it was not.
        noticed: message by invariant.
        seconds: that it took.
        absent: why there was nothing to notice; empty if there was.
    """

    fault: str
    what: str
    cell: str
    noticed: Mapping[str, str]
    seconds: float
    absent: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What a suite's invariants notice.

    Attributes:
        exhibits: one a fault.
        alarms: of clean repeats: seed and cell to the invariants that failed though they hold with
            the suite's own seed.
        repeats: how many clean repeats were run.
        invariants: all that can be broken.
        able: those that could have noticed a fault: they hold in a cell where one was injected.
    """

    exhibits: tuple[Exhibit, ...]
    alarms: Mapping[str, tuple[str, ...]]
    repeats: int
    invariants: tuple[str, ...]
    able: tuple[str, ...]

    @property
    def unnoticed(self) -> list[Exhibit]:
        """The faults that nobody noticed, though they changed something."""
        return [one for one in self.exhibits if not (one.noticed or one.absent)]

    @property
    def absent(self) -> list[Exhibit]:
        """The faults that had nothing to break in the cells that were tried."""
        return [exhibit for exhibit in self.exhibits if exhibit.absent]

    @property
    def idle(self) -> list[str]:
        """The invariants that could have noticed a fault and noticed none."""
        busy = {name for exhibit in self.exhibits for name in exhibit.noticed}
        return [name for name in self.able if name not in busy]

    @property
    def unable(self) -> list[str]:
        """The invariants that skip, or fail without a fault, wherever one was injected."""
        return [name for name in self.invariants if name not in self.able]

    @property
    def mean(self) -> float:
        """Invariants that notice a fault, on average over those noticed."""
        counts = [len(exhibit.noticed) for exhibit in self.exhibits if exhibit.noticed]
        return sum(counts) / max(1, len(counts))

    def as_json(self) -> dict[str, Any]:
        """The proof for programs."""
        return {**asdict(self), "idle": self.idle, "unable": self.unable, "mean": self.mean}


def shortened(recipe: Recipe) -> Recipe:
    """A recipe cut down to a second, with everything that an invariant needs to say something.

    No batch size divides a split. The "best" loss is the highest, so that the best model is the
    first epoch's and restoring it changes something.
    """
    return replace(
        recipe,
        max_train_samples=44,
        max_eval_samples=25,
        max_holdout_samples=9,
        num_proc=2,
        num_train_epochs=2,
        max_steps=-1,
        per_device_train_batch_size=8,
        per_device_eval_batch_size=8,
        warmup_steps=2,
        weight_decay=recipe.weight_decay or 0.1,
        dataloader_num_workers=0,
        save_model=True,
        save_state=True,
        eval_strategy="epoch",
        save_strategy="epoch",
        load_best_model_at_end=True,
        metric_for_best_model="loss",
        greater_is_better=True,
    )


class Prover:
    """Asks a runner for faulty runs, and judges them by the invariants."""

    def __init__(self, runner: Runner, cells: Sequence[Cell], processes: int) -> None:
        """Prove with as few tiny cells as show every data set, model, collation and loop."""
        self.runner, self.processes = runner, processes
        self.able: set[str] = set()
        self.cells = [replace(cell, recipe=shortened(cell.recipe)) for cell in _covering(cells)]

    def prove(
        self,
        files: Iterable[Path],
        repeats: int,
        show: Callable[[Exhibit], None],
    ) -> Proof:
        """Inject every fault, and repeat clean runs with other seeds.

        Args:
            files: one a fault.
            repeats: clean runs with other seeds, in turn over the cells.
            show: called with each exhibit when it is there.
        """
        with ThreadPoolExecutor(self.processes) as pool:
            exhibits = []
            for exhibit in pool.map(self.exhibit, files):
                show(exhibit)
                exhibits.append(exhibit)
            chosen = [self.cells[index % len(self.cells)] for index in range(repeats)]
            alarms = dict(pool.map(self._alarm, chosen, SEEDS))
        invariants = [name for subject in evaluate.SUBJECTS for name in evaluate.of(subject)]
        return Proof(
            exhibits=tuple(exhibits),
            alarms={where: failed for where, failed in alarms.items() if failed},
            repeats=repeats,
            invariants=tuple(invariants),
            able=tuple(sorted(self.able)),
        )

    def exhibit(self, fault: Path) -> Exhibit:
        """What notices a fault: in the first cell, else in the others until it is noticed."""
        started = time.perf_counter()
        description = FaultFile.read(fault)
        noticed: dict[str, str] = {}
        where, changed = "", False
        missed: dict[Cell, str] = {}
        for cell, subject in self._questions():
            if noticed and subject != "trials":
                break
            task = self.runner.inputs.find(cell).tables.schema.task
            if cell in missed or not description.concerns(task):
                continue
            where = f"{cell.recipe.dataset} {cell.name}"
            try:
                results, differs = self._noticed(cell, subject, fault)
            except InjectionError as error:
                missed[cell] = f"{error.what} ({error.why})"
                continue
            noticed |= results
            changed |= differs
        absent = ""
        if not where:
            absent = f"it is one of {', '.join(description.tasks)}, which no cell here trains"
        elif not (noticed or changed):
            same = "with it, every run and trial is what it is without, to the last bit"
            absent = next(iter(missed.values()), same)
        return Exhibit(
            fault=fault.stem,
            what=description.what,
            cell=where,
            noticed=noticed,
            seconds=time.perf_counter() - started,
            absent=absent,
        )

    def _questions(self) -> Iterator[tuple[Cell, Subject]]:
        """What to ask of which cell, in order."""
        tried = set()
        for cell in self.cells:
            yield cell, "run"
            if base_of(cell) not in tried:
                tried.add(base_of(cell))
                yield cell, "trials"
        yield self.cells[0], "compare_processes"

    def _noticed(self, cell: Cell, subject: Subject, fault: Path) -> tuple[dict[str, str], bool]:
        """Messages of the invariants that fail with a fault and hold without.

        And whether anything of what they judge is otherwise.
        """
        clean, before = self._results(cell, subject, None)
        self.able |= {name for name, result in clean.items() if result.outcome == "holds"}
        faulty, after = self._results(cell, subject, fault)
        messages = {
            name: result.message
            for name, result in faulty.items()
            if result.outcome == "fails" and (name == CRASH or clean[name].outcome == "holds")
        }
        return messages, evidence.text(before) != evidence.text(after)

    def _results(
        self, cell: Cell, subject: Subject, fault: Path | None
    ) -> tuple[Mapping[str, InvariantResult], Any]:
        """The results of the invariants that judge a subject of a cell; and the subject."""
        try:
            judged = self._subject(cell, subject, fault)
        except InjectionError:
            raise
        except HarnessError as error:
            if fault is None:
                raise
            message = error.text.splitlines()[0]
            return {CRASH: InvariantResult(outcome="fails", message=message)}, None
        if subject == "compare_processes":
            return evaluate.judge_all(subject, cell, lambda _: judged), judged
        return evaluate.judge_all(subject, judged), judged

    def _subject(self, cell: Cell, subject: Subject, fault: Path | None) -> Any:
        """What invariants judge of a cell."""
        if subject == "run":
            if fault is not None:
                return self.runner.run_faulty(cell, fault)
            return self.runner.run(cell).record
        if subject == "trials":
            if fault is not None:
                return self.runner.try_faulty(cell, fault)
            return self.runner.trials(cell)
        return self.runner.compare_processes(cell, fault)

    def _alarm(self, cell: Cell, seed: int) -> tuple[str, tuple[str, ...]]:
        """The invariants that fail with another seed and hold with the cell's own."""
        other = cell.varied(seed=seed)
        failed = []
        for subject in ("run", "trials"):
            clean, _ = self._results(cell, subject, None)
            for name, result in self._results(other, subject, None)[0].items():
                if result.outcome == "fails" and clean[name].outcome == "holds":
                    failed.append(name)
        return f"seed {seed}, {cell.recipe.dataset} {cell.name}", tuple(failed)


def _covering(cells: Iterable[Cell]) -> list[Cell]:
    """Tiny cells that show something which those before do not, short texts first."""
    shown: set[tuple[str, str]] = set()
    chosen = []
    for cell in sorted(cells, key=lambda cell: cell.recipe.max_length or math.inf):
        recipe = cell.recipe
        named = (str(recipe.model), recipe.collation, recipe.loop)
        shows = {(str(recipe.dataset), value) for value in named}
        if cell.scale == "tiny" and not shows <= shown:
            shown |= shows
            chosen.append(cell)
    return chosen

"""Trying in the judged environment: from a job to a cell's trials."""

import copy
import os
import signal
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import transformers
from accelerate.state import AcceleratorState
from torch._dynamo.utils import counters

from harness.core.errors import SourceError, UnsupportedError
from harness.core.job import Job
from harness.core.trial import ObservedTrials, Trial
from harness.core.variations import VARIATIONS, Variation
from harness.worker import answers, compat, packing
from harness.worker.adapters import core
from harness.worker.bench import Bench
from harness.worker.closeup import Closeup, Interrupted
from harness.worker.examine import checkpoints
from harness.worker.features import Doubled
from harness.worker.loops.setup import Setup
from harness.worker.reference import ModelReference
from harness.worker.sampling import ComposedBatches, lengths_of
from harness.worker.train import drive
from harness.worker.warnings_log import Notices

_PATIENCE = 300.0
"""Seconds that several processes may take to train together."""

_POLL = 0.02


def try_all(job: Job, progress: Callable[[int, int], None]) -> ObservedTrials:
    """Try the job's variations of its recipe, and answer short questions.

    Args:
        job: of kind `try`.
        progress: called after each trial with their number so far and in all.

    Raises:
        SourceError: the data cannot be trained on.
    """
    torch.set_num_threads(job.threads)
    trials: dict[str, Trial] = {}
    seconds: dict[str, float] = {}
    with Notices() as notices:
        bench = Bench.of(job)
        forks_first = sorted(job.variations, key=lambda name: -VARIATIONS[name].processes)
        for name in forks_first:
            started = time.perf_counter()
            try:
                trials[name] = _attempt(bench, Path(job.scratch) / name, VARIATIONS[name])
            except UnsupportedError:
                continue
            seconds[name] = time.perf_counter() - started
            progress(len(trials), len(job.variations))
        started = time.perf_counter()
        answered = answers.answer(bench)
        seconds["answers"] = time.perf_counter() - started
    return ObservedTrials(
        evaluated=bench.evaluated,
        answers=answered,
        trials={name: trials[name] for name in job.variations if name in trials},
        warnings=tuple(notices.texts),
        seconds=seconds,
    )


def _attempt(bench: Bench, folder: Path, variation: Variation, rank: int | None = None) -> Trial:
    """One trial. What the judged libraries raise is a finding, not the end of the others."""
    try:
        if variation.processes > 1 and rank is None:
            return _together(bench, folder, variation)
        with _undone():
            return try_one(bench, folder, variation)
    except (SourceError, UnsupportedError):  # a user's function is no finding about libraries
        raise
    except Exception as error:  # noqa: BLE001 - see above
        traceback.print_exc()
        return Trial(error=f"{type(error).__name__}: {error}")


@contextmanager
def _undone() -> Iterator[None]:
    """Undo what a trial leaves in its process: variables that have accelerate compile, graphs.

    `TrainingArguments` sets such variables, and takes no argument instead. What a trial did not
    touch is left alone: a thread of a library may read it at any time.
    """
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in {*os.environ} - {*before}:
            del os.environ[name]
        os.environ |= {n: value for n, value in before.items() if os.environ.get(n) != value}
        torch.compiler.reset()


def try_one(bench: Bench, folder: Path, variation: Variation) -> Trial:
    """A trial in this process, or in this one of several that train together."""
    setup = _setup(bench, folder, variation)
    watch = _watch(setup, variation, bench.reference if variation.look else None)
    graphs = counters["stats"]["unique_graphs"]
    try:
        with watch.counter if variation.counted else nullcontext():
            outcome = drive(setup, watch)
    except Interrupted:
        *_, last = setup.checkpoints()
        setup = replace(_setup(bench, folder, variation), resume_from=last)
        watch = _watch(setup, replace(variation, interrupted=None), None)
        outcome = drive(setup, watch)
    exact = not variation.dropout and not variation.single
    return Trial(
        steps=watch.steps,
        rows=tuple(watch.finished_arrays({})["train.rows"].tolist()),
        evaluations=tuple(watch.evaluations),
        predicted=tuple(watch.arrays["final.rows"].tolist()),
        logits=_rows(
            setup.objective.rows(watch.arrays["final.predictions"], watch.arrays["final.labels"])
        ),
        alone=_logits_alone(bench, setup.model) if exact else (),
        checkpoints=checkpoints(setup),
        looks=tuple(watch.looks),
        operations=tuple(watch.operations) if variation.counted else (),
        update_operations=tuple(watch.update_operations) if variation.counted else (),
        graphs=counters["stats"]["unique_graphs"] - graphs,
        workers=len(list(folder.glob("worker-*"))),
        overrides=outcome.overrides,
    )


def _setup(bench: Bench, folder: Path, variation: Variation) -> Setup:
    """Everything a loop needs for a variation; the model a fresh copy."""
    recipe, loop = variation.of(bench.base, bench.job.loop)
    device = "cpu" if variation.processes > 1 else bench.job.device  # one device has room for one
    AcceleratorState._reset_state(reset_partial_state=True)  # noqa: SLF001 - accelerate's own tests do
    values = compat.argument_values(recipe, output_dir=str(folder / "output"), device=device)
    if variation.grouped:
        values |= compat.grouped_by_length()
    model = copy.deepcopy(bench.wet if variation.dropout else bench.dry)
    rows = bench.train.select(range(recipe.max_train_samples or 0))
    strategy = variation.collation
    packing.isolate(core(model), strategy)
    collate = packing.collator(bench.tokenizer, strategy, bench.max_length, bench.objective)
    return Setup(
        recipe=recipe,
        loop=loop,
        device=device,
        arguments=transformers.TrainingArguments(**values),
        model=model.float() if variation.single else model,
        objective=replace(bench.objective, smoothing=recipe.label_smoothing_factor),
        tokenizer=bench.tokenizer,
        strategy=strategy,
        collator=collate if variation.single else Doubled(collate),
        splits={
            "train": _given(rows, variation.given, folder),
            "evaluation": bench.evaluation,
        },
        metrics=bench.metrics,
        saved=folder / "saved",
        root=bench.job.root,
    )


def _watch(setup: Setup, variation: Variation, reference: ModelReference | None) -> Closeup:
    """The watch of a variation, with what computes its first steps again."""
    rows = setup.splits["train"]
    mean_size = None
    if setup.strategy.budget:
        batches = ComposedBatches(lengths_of(rows), setup.strategy, setup.recipe)
        mean_size = setup.objective.all_terms(rows) / len(batches)
    return Closeup(
        pad_id=setup.tokenizer.pad_token_id,
        progress=lambda *_: None,
        model=setup.model,
        recipe=setup.recipe,
        task=setup.objective.task,
        weights=setup.objective.weights,
        reference=reference,
        interrupted=variation.interrupted,
        mean_size=mean_size,
    )


class _Listed(torch.utils.data.Dataset[Any]):
    """A map-style data set of torch's own kind."""

    def __init__(self, rows: list[dict[str, Any]], folder: Path) -> None:
        """Hold some rows, and know where other processes that read them leave a sign."""
        self.rows, self.folder, self.pid = rows, folder, os.getpid()

    def __len__(self) -> int:
        """How many there are."""
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One of them."""
        if os.getpid() != self.pid:
            (self.folder / f"worker-{os.getpid()}").touch()
        return dict(self.rows[index])


def _given(split: Any, kind: str, folder: Path) -> Any:
    """A split as a variation hands it over."""
    if kind == "dataset":
        return split
    rows = [dict(row) for row in split]
    folder.mkdir(parents=True, exist_ok=True)
    return rows if kind == "list" else _Listed(rows, folder)


def _rows(array: Any) -> tuple[tuple[float, ...], ...]:
    """A matrix as tuples."""
    return tuple(tuple(map(float, row)) for row in array)


@torch.no_grad()
def _logits_alone(bench: Bench, model: Any) -> tuple[tuple[float, ...], ...]:
    """What an evaluation keeps of every evaluated example by itself, from the reference."""
    weights = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    objective, alone = bench.objective, []
    for index in range(len(bench.evaluation)):
        example = bench.example(bench.evaluation, index)
        kept = objective.kept(bench.reference.logits(weights, example), example["labels"])
        alone += objective.rows(kept, example["labels"])
    return _rows(alone)


def _together(bench: Bench, folder: Path, variation: Variation) -> Trial:
    """A trial in several processes, forked from this one and joined as torchrun joins them.

    Raises:
        RuntimeError: a process did not end in time.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder.mkdir(parents=True)
    children = set()
    for rank in range(variation.processes):
        pid = os.fork()
        if not pid:
            os.environ |= {
                "RANK": str(rank),
                "LOCAL_RANK": str(rank),
                "WORLD_SIZE": str(variation.processes),
                "LOCAL_WORLD_SIZE": str(variation.processes),
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
                "GLOO_SOCKET_IFNAME": "lo",
            }
            torch.set_num_threads(1)  # a forked process has none of its parent's threads
            try:
                trial = _attempt(bench, folder, variation, rank=rank)
                trial.write(folder / f"{rank}.json")
            finally:
                os._exit(0)  # whatever happened, this process must not go on as its parent
        children.add(pid)
    deadline = time.monotonic() + _PATIENCE
    while children and time.monotonic() < deadline:
        children -= {pid for pid in children if os.waitpid(pid, os.WNOHANG)[0]}
        time.sleep(_POLL)
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    if children:
        message = f"{len(children)} of {variation.processes} processes did not end in time"
        raise RuntimeError(message)
    first, *others = (_of_rank(folder, rank) for rank in range(variation.processes))
    return replace(first, ranks=tuple(others))


def _of_rank(folder: Path, rank: int) -> Trial:
    """What one of several processes left."""
    path = folder / f"{rank}.json"
    return Trial.read(path) if path.is_file() else Trial(error=f"process {rank} left nothing")

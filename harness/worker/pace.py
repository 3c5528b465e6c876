"""Pacing on request: a live child that runs batches of given lengths under any collation.

Time depends on shapes, not on words or weights: tokens and weights are drawn at random, so neither
a data set nor a checkpoint is needed.
"""

import contextlib
import ctypes
import itertools
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
import transformers
from torch._dynamo.utils import counters
from torch.utils.data import DataLoader

from harness.core.collation import DYNAMIC, Collation
from harness.core.errors import UnsupportedError
from harness.core.job import Job
from harness.worker import clock, dropping, models, packing, positions
from harness.worker.loops import plan
from harness.worker.soundness import Soundness
from harness.worker.tasks import objective_of

FIRST_TOKEN = 5
"""Ids below are special tokens in every vocabulary of ours."""

_NO_MEMORY = "can't allocate memory"
"""What torch's allocator on the CPU says; an accelerator's raises an exception of its own."""


class Pacer:
    """A model, its optimizer, and the steps that they take on request."""

    def __init__(self, job: Job) -> None:
        """Build the model that the job's architecture describes."""
        torch.set_num_threads(job.threads)
        transformers.set_seed(job.recipe.seed)
        self.job, self.recipe = job, job.recipe
        self.objective = objective_of(job.schema)
        self.tokenizer = models.tokenizer_of(job)
        self.model = models.untrained(job.architecture, self.objective).to(job.device)
        special = {*self.tokenizer.all_special_ids}
        self.plain = next(token for token in itertools.count(FIRST_TOKEN) if token not in special)
        self.types = "token_type_ids" in self.tokenizer.model_input_names
        self.optimizer = plan.optimizer(self.model, self.recipe)
        self.autocast = plan.autocast(self.recipe, job.device)
        self.forward = plan.compiled(self.model, self.recipe)
        self.lanes: dict[str, tuple[Sequence[Sequence[int]], Iterator[Any]]] = {}
        self.layout, self.undo = DYNAMIC.layout, ExitStack()
        for parameter in self.model.parameters():  # what the optimizer keeps is nobody's peak
            parameter.grad = torch.zeros_like(parameter)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a request says under its `collation`, resolved.

        `prove`: batch examples of some `lengths`, and hold each against itself alone. `train` or
        `predict`: run `batches`, lists of lengths; to warm up if it says `warm`.

        Returns:
            What `Soundness.distances` or `_run` returns; while warming up also `memory`, bytes at
            the peak over those held before. Or, as `unsupported` or `out of memory`, why there is
            nothing to return.
        """
        strategy = Collation(**request["collation"])
        try:
            if request["do"] == "prove":
                return self._prove(strategy, request["lengths"])
            self._lay_out(strategy)
            held = _held(self.job.device) if request.get("warm") else None
            timed = self._run(strategy, request["batches"], training=request["do"] == "train")
            return timed | ({} if held is None else {"memory": _peak(self.job.device) - held})
        except UnsupportedError as error:
            return {"unsupported": error.text}
        except (MemoryError, RuntimeError) as error:
            if not _is_memory(error):
                raise
            reason = str(error).partition("\n")[0]
        finally:
            self.optimizer.zero_grad()
        if self.job.device == "cuda":
            torch.cuda.empty_cache()
        return {"out of memory": reason}

    def _lay_out(self, strategy: Collation) -> None:
        """Have the model read a strategy's batches; hooks that come and go would compile anew."""
        if strategy.layout != self.layout:
            self.undo.close()
            self.layout = "padded"
            self.undo = packing.isolate(self.model, strategy)
            self.layout = strategy.layout

    def _prove(self, strategy: Collation, lengths: Sequence[int]) -> dict[str, Any]:
        """How far a strategy's batch of examples is from batches of one."""
        self._lay_out(DYNAMIC)
        examples = [self._example(index, length) for index, length in enumerate(lengths)]
        collator = self._collator(strategy)
        return Soundness(self.model, collator, examples, self.objective, self.autocast).distances(
            strategy
        )

    def _collator(self, strategy: Collation) -> Any:
        """The strategy's collator."""
        limit = positions.limit(self.model, self.tokenizer)
        return packing.collator(
            self.tokenizer, strategy, self.recipe.max_length or limit, self.objective
        )

    def _example(self, index: int, length: int) -> dict[str, Any]:
        """A tokenized example of that length, the same for the same index."""
        draw = torch.Generator().manual_seed(index)
        ids = torch.randint(FIRST_TOKEN, self.model.config.vocab_size, (length,), generator=draw)
        special = torch.tensor(self.tokenizer.all_special_ids)
        ids[torch.isin(ids, special)] = self.plain  # padding's id, or the end's, is read as that
        example = {"input_ids": ids.tolist(), "attention_mask": [1] * length}
        if self.types:
            example["token_type_ids"] = [0] * (length - length // 2) + [1] * (length // 2)
        return example | self.objective.drawn(index, length)

    def _lane(self, strategy: Collation, batches: Sequence[Sequence[int]]) -> Iterator[Any]:
        """A strategy's batches, again and again; workers, if any, stay."""
        known, lane = self.lanes.get(strategy.name, ([], iter(())))
        if known != batches:
            lengths = [length for batch in batches for length in batch]
            rows = iter(range(len(lengths)))
            loader: DataLoader[Any] = DataLoader(
                [self._example(index, length) for index, length in enumerate(lengths)],  # type: ignore[arg-type] # a list is a map-style data set
                batch_sampler=_Again([list(itertools.islice(rows, len(b))) for b in batches]),
                collate_fn=self._collator(strategy),
                num_workers=self.recipe.dataloader_num_workers,
                pin_memory=self.recipe.dataloader_pin_memory and self.job.device == "cuda",
            )
            lane = iter(loader)
            self.lanes[strategy.name] = (batches, lane)
        return lane

    def _run(
        self, strategy: Collation, batches: Sequence[Sequence[int]], *, training: bool
    ) -> dict[str, Any]:
        """Run all batches once.

        Returns:
            Wall `seconds`; those of `collating`, on the host; `laps`, seconds by phase, by the
            accelerator's own clock if there is one; `graphs` compiled and `breaks` between them;
            the `kernel` of attention; the largest probability of `dropout`.
        """
        device, lane = self.job.device, self._lane(strategy, batches)
        scaler = plan.scaler(self.recipe, device)
        self.model.train(training)
        counters.clear()
        laps, collating = Laps(device), 0.0
        started = clock.synchronized(device)
        with torch.set_grad_enabled(training):
            for _ in batches:
                before = time.perf_counter()
                batch = next(lane)
                collating += time.perf_counter() - before
                laps.lap("collate")
                batch = batch.to(device)
                labels = batch.pop("labels")
                with self.autocast:
                    logits = self.forward(**batch).logits
                    loss = self.objective.total(logits, labels) / self.objective.terms(labels)
                laps.lap("forward")
                if training:
                    scaler.scale(loss).backward()  # type: ignore[no-untyped-call] # torch
                    laps.lap("backward")
                    scaler.step(self.optimizer)
                    scaler.update()
                    self.optimizer.zero_grad()
                    laps.lap("optimizer")
        ended = clock.synchronized(device)
        return {
            "seconds": ended - started,
            "collating": collating,
            "laps": laps.seconds(),
            "graphs": counters["stats"]["unique_graphs"],
            "breaks": sum(counters["graph_break"].values()),
            "kernel": packing.kernel(self.model, strategy),
            "dropout": dropping.largest(self.model) if self.model.training else 0.0,
        }


class _Again:
    """Batches of indices without end."""

    def __init__(self, batches: Sequence[list[int]]) -> None:
        """Give these."""
        self.batches = batches

    def __iter__(self) -> Iterator[list[int]]:
        """One after the other, and from the first again."""
        return itertools.cycle(self.batches)


class Laps:
    """Seconds by phase; an accelerator is not made to wait for them."""

    def __init__(self, device: str) -> None:
        """Start the first."""
        self.device = device
        self.marks: list[tuple[str, Any]] = [("", self._mark())]

    def lap(self, phase: str) -> None:
        """The time since the last lap belongs to this phase."""
        self.marks.append((phase, self._mark()))

    def seconds(self) -> dict[str, float]:
        """Of each phase; the device must have finished."""
        seconds: dict[str, float] = defaultdict(float)
        for (_, before), (phase, after) in itertools.pairwise(self.marks):
            cuda = self.device == "cuda"
            seconds[phase] += before.elapsed_time(after) / 1000 if cuda else after - before
        return dict(seconds)

    def _mark(self) -> Any:
        """Now, by the clock of whoever does the work."""
        if self.device != "cuda":
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call] # torch
        event.record()
        return event


def _is_memory(error: Exception) -> bool:
    """Whether a device ran out of memory, as any of torch's allocators says it."""
    exhausted = (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, exhausted) or _NO_MEMORY in str(error)


def _held(device: str) -> int:
    """Bytes that are held now; from here on, a new peak is watched for.

    A CPU's allocator first gives back what is free, which makes what follows slower.
    """
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _status("VmRSS")


def _peak(device: str) -> int:
    """Bytes at the peak since then."""
    return torch.cuda.max_memory_allocated() if device == "cuda" else _status("VmHWM")


def _status(name: str) -> int:
    """A figure of this process, in bytes; 0 where the system does not tell."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return 0

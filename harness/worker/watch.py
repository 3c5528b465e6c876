"""The watch: what a run observes of itself, cheaply, without changing what it computes.

A forward hook sees exactly what the model receives. It only keeps a reference; batches are
described many at a time, between steps, and none of that counts as a step's time.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from harness.core.record_parts import Batch, Evaluation, Step, Value
from harness.worker.batch_log import Rows, describe, label_codes

_DRAIN = 64
"""Batches that are kept before they are described."""

_PROGRESS_INTERVAL = 0.2

Arrays = Mapping[str, npt.NDArray[Any]]


def describe_value(value: object) -> Value:
    """Type, dtype and shape of what `compute_metrics` was given."""
    kind = type(value)
    module = "numpy" if kind is np.ndarray else kind.__module__
    return Value(
        type=f"{module}.{kind.__qualname__}",
        dtype=str(getattr(value, "dtype", "")),
        shape=tuple(getattr(value, "shape", ())),
    )


@dataclass(slots=True)
class _OpenStep:
    """A step that was taken and not yet logged."""

    step: int
    epoch: float
    learning_rate: float
    seconds: float
    batches: slice
    loss: Any = None
    logged_loss: float | None = None
    grad_norm: float | None = None
    logged: tuple[str, ...] = ()


@dataclass(slots=True)
class Watch:
    """Collects what a loop does. A loop calls the methods in the order of its events.

    Attributes:
        pad_id: id of the padding token.
        pad_is_end: whether the end of sequence pads, which may then be a real token too.
        progress: called a few times a second with step and total.
        orders: indices of a split's examples in the order in which they are evaluated, where that
            is not their own.
        evaluations: all evaluations so far, and their batches.
        arrays: predictions, labels and row names of evaluations.
    """

    pad_id: int
    progress: Callable[[int, int], None]
    pad_is_end: bool = False
    orders: Mapping[str, npt.NDArray[np.int64]] = field(default_factory=dict)
    evaluations: list[Evaluation] = field(default_factory=list)
    evaluation_batches: list[Batch] = field(default_factory=list)
    arrays: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    _steps: list[_OpenStep] = field(default_factory=list)
    _seen: list[tuple[frozenset[bool], dict[str, Any]]] = field(default_factory=list)
    _kept: list[tuple[frozenset[bool], dict[str, Any]]] = field(default_factory=list)
    _trained: int = 0
    _described: dict[str, list[Batch]] = field(
        default_factory=lambda: {"train": [], "evaluation": []}
    )
    _rows: dict[str, list[Rows]] = field(default_factory=lambda: {"train": [], "evaluation": []})
    _losses: list[Any] = field(default_factory=list)
    _learning_rate: float = 0.0
    _received: tuple[Value, Value, int, str] | None = None
    _mark: float = 0.0
    _shown: float = 0.0

    def attach(self, model: torch.nn.Module) -> Any:
        """Watch a model's forward calls; returns the handle whose `remove` ends that."""
        modules = tuple(model.modules())  # one alone may be in another mode

        def hook(_: torch.nn.Module, __: object, received: dict[str, Any]) -> None:
            self._seen.append((frozenset(module.training for module in modules), received))
            if len(self._seen) >= _DRAIN:  # in training, micro_batch() empties it each time
                self._drain("evaluation", self._seen)

        return model.register_forward_pre_hook(hook, prepend=True, with_kwargs=True)

    def begin(self) -> None:
        """Training begins: what was seen of an attempt that broke off is of no run."""
        for seen in (self._seen, self._kept, self._losses, self._steps, self._rows["train"]):
            seen.clear()
        self._described["train"].clear()
        self._trained = 0
        self.start()

    def start(self) -> None:
        """Training begins now, or goes on after an evaluation, a log or a save."""
        self._mark = time.perf_counter()

    def micro_batch(self, loss: torch.Tensor, labels: torch.Tensor) -> None:  # noqa: ARG002 - for those who look closer
        """One micro-batch was propagated back: its share of the step's loss, and its labels."""
        self._losses.append(loss)
        self._trained += len(self._seen)
        self._kept += self._seen
        self._seen.clear()

    def before_update(self, learning_rate: float) -> None:
        """The optimizer is about to step with this rate."""
        self._learning_rate = learning_rate

    def step(self, step: int, total: int, epoch: float) -> None:
        """The optimizer has stepped."""
        now = time.perf_counter()
        first = self._steps[-1].batches.stop if self._steps else 0
        self._steps.append(
            _OpenStep(
                step=step,
                epoch=epoch,
                learning_rate=self._learning_rate,
                seconds=now - self._mark,
                batches=slice(first, self._trained),
                loss=self._losses,
            )
        )
        self._losses = []
        if len(self._kept) >= _DRAIN:
            self._drain("train", self._kept)
        if now - self._shown > _PROGRESS_INTERVAL:
            self._shown = now
            self.progress(step, total)

    def log(self, logs: Mapping[str, float]) -> None:
        """The loop has logged its latest step."""
        last = self._steps[-1]
        last.loss = float(sum(loss.item() for loss in last.loss))
        last.logged_loss = logs.get("loss")
        last.grad_norm = logs.get("grad_norm")
        last.logged = tuple(sorted(logs))

    def metrics_received(self, received: Any) -> tuple[Any, Any]:
        """`compute_metrics` was called with this; its parts come back."""
        parts = tuple(received)
        predictions, labels = parts[:2]
        try:
            torch.argmax(predictions)
            error = ""
        except TypeError as refused:
            error = type(refused).__name__
        self._received = (
            describe_value(predictions),
            describe_value(labels),
            len(parts),
            error,
        )
        self.arrays["predictions"] = np.asarray(predictions)
        self.arrays["labels"] = np.asarray(labels)
        self.arrays["codes"] = label_codes(self.arrays["labels"])
        return predictions, labels

    def evaluated(self, name: str, step: int, split: str, metrics: Mapping[str, float]) -> None:
        """An evaluation is over; metrics by their bare names."""
        self._drain("evaluation", self._seen)
        batches, rows = self._described["evaluation"], self._rows["evaluation"]
        self.evaluation_batches += [replace(batch, stage=name) for batch in batches]
        self.arrays[f"{name}.rows"] = np.concatenate(rows) if rows else np.empty(0, np.uint64)
        batches.clear()
        rows.clear()
        if self._received is None:  # the loop never called compute_metrics: an invariant says so
            self._received = (Value(type=""), Value(type=""), 0, "")
        predictions, label_ids, unpacked, argmax_error = self._received
        self.evaluations.append(
            Evaluation(
                name=name,
                step=step,
                split=split,
                metrics=dict(metrics),
                predictions=predictions,
                label_ids=label_ids,
                unpacked=unpacked,
                argmax_error=argmax_error,
            )
        )
        for array in ("predictions", "labels", "codes"):
            if array in self.arrays:
                self.arrays[f"{name}.{array}"] = self.arrays.pop(array)
            self._put_back(split, f"{name}.{array}")
        self._put_back(split, f"{name}.rows")
        self._received = None

    def _put_back(self, split: str, name: str) -> None:
        """An evaluation's array in the order of its split, if it was evaluated in another."""
        if split in self.orders and name in self.arrays:
            visited = self.arrays[name]
            if len(visited) == len(self.orders[split]):
                self.arrays[name] = visited[np.argsort(self.orders[split])]

    @property
    def batches(self) -> tuple[Batch, ...]:
        """Every batch so far: those of training, then those of each evaluation."""
        self._drain("train", self._kept)
        return (*self._described["train"], *self.evaluation_batches)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step so far."""
        self._drain("train", self._kept)
        return tuple(self._closed(step) for step in self._steps)

    def _closed(self, step: _OpenStep) -> Step:
        """A step with what its batches held; a step without a log has no known loss."""
        batches = self._described["train"][step.batches]
        return Step(
            step=step.step,
            epoch=step.epoch,
            loss=step.loss if isinstance(step.loss, float) else float("nan"),
            logged_loss=step.logged_loss,
            grad_norm=step.grad_norm,
            learning_rate=step.learning_rate,
            logged=step.logged,
            seconds=step.seconds,
            examples=sum(batch.examples for batch in batches),
            real_tokens=sum(batch.real_tokens for batch in batches),
            padded_tokens=sum(batch.positions for batch in batches),
        )

    def finished_arrays(self, splits: Mapping[str, Arrays]) -> Arrays:
        """The record's arrays: of every evaluation, of training, and of the splits as given."""
        self._drain("train", self._kept)
        named = {f"split.{n}.{kind}": a for n, kinds in splits.items() for kind, a in kinds.items()}
        rows = self._rows["train"]
        seen = np.concatenate(rows) if rows else np.empty(0, np.uint64)
        return {**self.arrays, **named, "train.rows": seen}

    def _drain(self, stage: str, seen: list[tuple[frozenset[bool], dict[str, Any]]]) -> None:
        """Describe what the model received in a stage, and empty the list of it."""
        if seen:
            described, rows = describe(seen, stage, self.pad_id, pad_is_end=self.pad_is_end)
            self._described[stage] += described
            self._rows[stage].append(rows)
            seen.clear()

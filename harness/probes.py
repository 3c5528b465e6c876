"""Probes: what a run observes of itself, cheaply, without changing what it computes.

A forward hook sees exactly what the model receives; a row is known again by a hash of its
tokens, types and label. The hash is of a universal family (a sum of products with fixed random
64-bit weights, modulo 2^64), so it costs a few vector operations a batch.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from harness.record import Batch, Evaluation, Step, Value

Rows = npt.NDArray[np.uint64]

_LONGEST_ROW = 1 << 16
_WEIGHTS = np.random.default_rng(0).integers(1, 2**64, (2, _LONGEST_ROW), dtype=np.uint64)
_LABEL_WEIGHT = np.uint64(0x9E3779B97F4A7C15)
_PROGRESS_INTERVAL = 0.2


def row_hashes(
    ids: npt.NDArray[np.int64],
    mask: npt.NDArray[np.int64],
    types: npt.NDArray[np.int64] | None,
    labels: npt.NDArray[np.int64],
) -> Rows:
    """A 64-bit name for each row, the same whatever the padding and its side.

    Args:
        ids: (rows, width) token ids.
        mask: (rows, width), 1 where a token is real.
        types: (rows, width) token types, or None.
        labels: (rows,) label ids.

    Returns:
        (rows,) hashes.
    """
    rank = np.maximum(np.cumsum(mask, axis=1) - 1, 0)
    real = mask.astype(np.uint64)
    total = ((ids + 1).astype(np.uint64) * _WEIGHTS[0, rank] * real).sum(axis=1)
    if types is not None:
        total += (types.astype(np.uint64) * _WEIGHTS[1, rank] * real).sum(axis=1)
    total += (labels + 1).astype(np.uint64) * _LABEL_WEIGHT
    return np.asarray(total, np.uint64)


def dataset_rows(columns: Mapping[str, Any], labels: list[int]) -> Rows:
    """`row_hashes` of a tokenized split, computed from its columns, without any collator."""
    types = columns.get("token_type_ids")
    hashes = [
        row_hashes(
            np.asarray([ids], np.int64),
            np.ones((1, len(ids)), np.int64),
            None if types is None else np.asarray([types[index]], np.int64),
            np.asarray([labels[index]], np.int64),
        )
        for index, ids in enumerate(columns["input_ids"])
    ]
    return np.concatenate(hashes)


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
    batches: list[Batch]
    loss: Any = None
    grad_norm: float | None = None
    logged: tuple[str, ...] = ()


@dataclass(slots=True)
class Watch:
    """Collects what a loop does. A loop calls the methods in the order of its events.

    Attributes:
        pad_id: id of the padding token.
        progress: called a few times a second with step and total.
        batches: all batches so far.
        evaluations: all evaluations so far.
        rows: row hashes by stage.
        arrays: predictions and labels of evaluations.
    """

    pad_id: int
    progress: Callable[[int, int], None]
    batches: list[Batch] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    rows: dict[str, list[Rows]] = field(default_factory=dict)
    arrays: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    _steps: list[_OpenStep] = field(default_factory=list)
    _seen: list[tuple[bool, dict[str, Any]]] = field(default_factory=list)
    _losses: list[Any] = field(default_factory=list)
    _learning_rate: float = 0.0
    _received: tuple[Value, Value, int, str] | None = None
    _mark: float = 0.0
    _shown: float = 0.0

    def attach(self, model: torch.nn.Module) -> Any:
        """Watch a model's forward calls; returns the handle whose `remove` ends that."""

        def hook(module: torch.nn.Module, _: object, received: dict[str, Any]) -> None:
            self._seen.append((module.training, dict(received)))

        return model.register_forward_pre_hook(hook, with_kwargs=True)

    def start(self) -> None:
        """Training begins now, or goes on after an evaluation, a log or a save."""
        self._mark = time.perf_counter()

    def micro_batch(self, loss: torch.Tensor) -> None:
        """One micro-batch was propagated back; its share of the step's loss."""
        self._losses.append(loss)

    def before_update(self, learning_rate: float) -> None:
        """The optimizer is about to step with this rate."""
        self._learning_rate = learning_rate

    def step(self, step: int, total: int, epoch: float) -> None:
        """The optimizer has stepped."""
        now = time.perf_counter()
        self._steps.append(
            _OpenStep(
                step=step,
                epoch=epoch,
                learning_rate=self._learning_rate,
                seconds=now - self._mark,
                batches=self._drain("train"),
                loss=self._losses,
            )
        )
        self._losses = []
        if now - self._shown > _PROGRESS_INTERVAL:
            self._shown = now
            self.progress(step, total)

    def log(self, logs: Mapping[str, float]) -> None:
        """The loop has logged its latest step."""
        last = self._steps[-1]
        last.loss = float(sum(loss.item() for loss in last.loss))
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
        return predictions, labels

    def evaluated(self, name: str, step: int, split: str, metrics: Mapping[str, float]) -> None:
        """An evaluation is over; metrics by their bare names."""
        self._drain(name)
        if self._received is None:  # the loop never called compute_metrics: a law will say so
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
        for array in ("predictions", "labels"):
            if array in self.arrays:
                self.arrays[f"{name}.{array}"] = self.arrays.pop(array)
        self._received = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step so far."""
        return tuple(
            Step(
                step=step.step,
                epoch=step.epoch,
                loss=step.loss if isinstance(step.loss, float) else float("nan"),
                grad_norm=step.grad_norm,
                learning_rate=step.learning_rate,
                logged=step.logged,
                seconds=step.seconds,
                examples=sum(batch.examples for batch in step.batches),
                real_tokens=sum(batch.real_tokens for batch in step.batches),
                padded_tokens=sum(batch.examples * batch.width for batch in step.batches),
            )
            for step in self._steps
        )

    def finished_arrays(self, split_rows: Mapping[str, Rows]) -> dict[str, npt.NDArray[Any]]:
        """The record's arrays: predictions and labels by evaluation, row names by stage.

        `split.NAME` holds the names of a tokenized split's rows, in its order.
        """
        seen = {f"{stage}.rows": np.concatenate(parts) for stage, parts in self.rows.items()}
        splits = {f"split.{name}": rows for name, rows in split_rows.items()}
        return self.arrays | seen | splits

    def _drain(self, stage: str) -> list[Batch]:
        """Turn what the model received since the last call into batches of a stage.

        A batch that reached the model in training mode counts as training wherever it came from.
        """
        drained = []
        for training, received in self._seen:
            name = "train" if training else stage
            batch, rows = self._describe(name, received)
            self.rows.setdefault(name, []).append(rows)
            drained.append(batch)
        self._seen.clear()
        self.batches += drained
        return drained

    def _describe(self, stage: str, received: Mapping[str, Any]) -> tuple[Batch, Rows]:
        """One batch as the model received it, and the names of its rows."""
        tensors = {
            name: value
            for name, value in received.items()
            if torch.is_tensor(value) and value.ndim > 0  # num_items_in_batch is a scalar
        }
        ids = tensors["input_ids"].cpu().numpy()
        padding = ids == self.pad_id
        given = tensors.get("attention_mask")
        mask = given.cpu().numpy() if given is not None else (~padding).astype(np.int64)
        types = tensors.get("token_type_ids")
        labels = tensors.get("labels")
        lengths = mask.sum(axis=1)
        batch = Batch(
            stage=stage,
            shapes={name: tuple(value.shape) for name, value in tensors.items()},
            dtypes={name: str(value.dtype)[len("torch.") :] for name, value in tensors.items()},
            digest=hashlib.blake2b(ids.tobytes(), digest_size=8).hexdigest(),
            width=ids.shape[1],
            longest=int(lengths.max()),
            shortest=int(lengths.min()),
            real_tokens=int(lengths.sum()),
            misplaced=int((padding == (mask == 1)).sum()),
        )
        rows = row_hashes(
            ids,
            mask,
            None if types is None else types.cpu().numpy(),
            np.full(len(ids), -1) if labels is None else labels.cpu().numpy(),
        )
        return batch, rows

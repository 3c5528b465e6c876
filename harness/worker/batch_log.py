"""Batches as the model received them, described many at a time.

A row is known again by a hash of its tokens, types and label: a sum of products with fixed
random 64-bit weights, modulo 2^64. Positions are ranks among the real tokens, so that the name
of a row does not depend on its padding. Everything is computed on flat arrays over many batches,
because watching must cost next to nothing beside a step of a tiny model.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from harness.core import batching
from harness.core.collation import SEQUENCES
from harness.core.record_parts import Batch
from harness.worker import adapters
from harness.worker.objective import IGNORED

Rows = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]

_LONGEST_ROW = 1 << 16
_WEIGHTS = np.random.default_rng(0).integers(1, 2**64, (2, _LONGEST_ROW), dtype=np.uint64)
_LABEL_WEIGHT = np.uint64(0x9E3779B97F4A7C15)


def row_hashes(
    ids: Integers, mask: Integers, types: Integers, labels: Integers, widths: Integers
) -> Rows:
    """A 64-bit name for each row.

    Args:
        ids: (positions,) token ids of all rows, one after the other.
        mask: (positions,) 1 where a token is real.
        types: (positions,) token types, zeros where the model takes none.
        labels: (rows,) codes of labels, -1 where there is none.
        widths: (rows,) positions of each row, at least 1.

    Returns:
        (rows,) names.
    """
    starts = batching.starts(widths)
    seen = np.cumsum(mask)
    rank = np.maximum(seen - 1 - np.repeat(seen[starts] - mask[starts], widths), 0)
    real = mask.astype(np.uint64)
    names = (ids + 1).astype(np.uint64) * _WEIGHTS[0, rank] + types.astype(np.uint64) * _WEIGHTS[
        1, rank
    ]
    return labelled(np.asarray(np.add.reduceat(names * real, starts), np.uint64), labels)


def label_codes(labels: Sequence[Any] | npt.NDArray[Any]) -> Integers:
    """One whole number for the label of each row.

    An id stands for itself. Of numbers and of lists the bits are summed with fixed weights, by
    their rank among what is not ignored, so that a code does not depend on padding.

    Args:
        labels: of every row: ids, numbers, or lists of either.
    """
    if isinstance(labels, np.ndarray) and labels.ndim == 1 and labels.dtype.kind in "iub":
        return labels.astype(np.int64)
    rows = [np.asarray(label) for label in labels]
    if not rows or (rows[0].ndim == 0 and rows[0].dtype.kind in "iub"):
        return np.asarray(rows, np.int64)
    widths = np.fromiter((row.size for row in rows), np.int64, len(rows))
    values = np.concatenate([row.reshape(-1) for row in rows])
    bits = values.astype(np.int64)
    if values.dtype.kind == "f":
        bits = values.astype(np.float32).view(np.int32).astype(np.int64)
    starts = batching.starts(widths)
    counted = (values != IGNORED).astype(np.int64)
    seen = np.cumsum(counted)
    rank = np.maximum(seen - 1 - np.repeat(seen[starts] - counted[starts], widths), 0)
    products = (bits + 1).astype(np.uint64) * _WEIGHTS[0, rank] * counted.astype(np.uint64)
    return np.add.reduceat(products, starts).view(np.int64)


def labelled(names: Rows, labels: Integers) -> Rows:
    """Names of rows that a label is part of, from those of their tokens alone."""
    return np.asarray(names + (labels + 1).astype(np.uint64) * _LABEL_WEIGHT, np.uint64)


def dataset_rows(columns: Mapping[str, Any], labels: Sequence[Any]) -> Rows:
    """`row_hashes` of a tokenized split, computed from its columns, without any collator."""
    widths = np.fromiter(map(len, columns["input_ids"]), np.int64, len(labels))
    ids = np.concatenate([np.asarray(row, np.int64) for row in columns["input_ids"]])
    types = np.zeros_like(ids)
    if "token_type_ids" in columns:
        types = np.concatenate([np.asarray(row, np.int64) for row in columns["token_type_ids"]])
    return row_hashes(ids, np.ones_like(ids), types, label_codes(labels), widths)


def split_rows(split: Any, model: Any, labels: Sequence[Any]) -> Rows:
    """Names of a tokenized split's rows, as `describe` gives them in the model's batches."""
    taken = {*adapters.taken(model)} & {*split.column_names}
    columns: dict[str, Any] = {
        name: split[name][:] for name in ("input_ids", "token_type_ids") if name in taken
    }
    return dataset_rows(columns, labels)


def describe(
    received: Sequence[tuple[frozenset[bool], Mapping[str, Any]]],
    stage: str,
    pad_id: int,
    *,
    pad_is_end: bool = False,
) -> tuple[list[Batch], Rows]:
    """What some batches looked like, and the names of all their rows.

    Args:
        received: the modes of the model's modules, True if training, and the arguments of its
            forward calls.
        stage: noted in each batch.
        pad_id: id of the padding token.
        pad_is_end: whether that is the end of sequence too, which a row may really have.
    """
    batches = [
        {
            name: value.cpu().numpy()
            for name, value in arguments.items()
            if torch.is_tensor(value) and value.ndim > 0  # num_items_in_batch is a scalar
        }
        for _, arguments in received
    ]
    apart = [_apart(batch, pad_id) for batch in batches]
    ids, mask, types, widths = (np.concatenate(parts) for parts in zip(*apart, strict=True))
    padding = ids == pad_id
    heights = [len(part[-1]) for part in apart]
    labels = np.concatenate(
        [
            label_codes(batch.get("labels", np.full(height, -1, np.int64)))
            for batch, height in zip(batches, heights, strict=True)
        ]
    )
    starts = batching.starts(widths)
    lengths = np.add.reduceat(mask, starts)
    leading = np.append(mask[1:] > mask[:-1], False)
    leading[starts[1:] - 1] = False  # a row's end says nothing of the next row's start
    late = np.add.reduceat(leading.astype(np.int64), starts) > 0
    unlike = (mask == 0) & ~padding if pad_is_end else padding == (mask == 1)
    misplaced = np.add.reduceat(unlike.astype(np.int64), starts)
    ends = np.cumsum(heights).tolist()
    described = []
    for (modes, _), batch, height, end in zip(received, batches, heights, ends, strict=True):
        rows = slice(end - height, end)
        described.append(
            Batch(
                stage=stage,
                training=all(modes) if stage == "train" else any(modes),
                shapes={name: value.shape for name, value in batch.items()},
                dtypes={name: value.dtype.name for name, value in batch.items()},
                examples=height,
                digest=hashlib.blake2b(batch["input_ids"].tobytes(), digest_size=8).hexdigest(),
                width=batch["input_ids"].shape[1],
                longest=int(lengths[rows].max()),
                shortest=int(lengths[rows].min()),
                real_tokens=int(lengths[rows].sum()),
                misplaced=int(misplaced[rows].sum()),
                leading=int(late[rows].sum()),
            )
        )
    return described, row_hashes(ids, mask, types, labels, widths)


def _apart(batch: Mapping[str, Integers], pad_id: int) -> tuple[Integers, ...]:
    """A batch's examples one after the other.

    Returns:
        (positions,) ids, mask and types, and (examples,) positions of each. Padding of rows that
        hold several examples comes last.
    """
    ids = batch["input_ids"].reshape(-1)
    types = batch.get("token_type_ids", np.zeros_like(ids)).reshape(-1)
    if SEQUENCES not in batch:
        mask = batch.get("attention_mask", (batch["input_ids"] != pad_id).astype(np.int64))
        return ids, mask.reshape(-1), types, np.full(*batch["input_ids"].shape)
    owners = batch[SEQUENCES].reshape(-1)
    mask = (owners >= 0).astype(np.int64)
    lengths = np.bincount(owners[owners >= 0])
    lengths[-1] += len(owners) - mask.sum()
    order = np.argsort(np.where(owners < 0, len(lengths), owners), kind="stable")
    return ids[order], mask[order], types[order], lengths

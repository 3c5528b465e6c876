"""Rows are known again whatever their padding, and nothing but the same row has its name."""

import subprocess
import sys

from tests.repositories import ROOT

CODE = """
import numpy as np
import torch
from harness.worker.batch_log import dataset_rows, describe

rng = np.random.default_rng(1)
lengths = rng.integers(1, 12, 40)
ids = [rng.integers(5, 99, n).tolist() for n in lengths]
types = [[0] * (n // 2) + [1] * (n - n // 2) for n in lengths]
labels = rng.integers(0, 3, 40).tolist()
known = dataset_rows({"input_ids": ids, "token_type_ids": types}, labels)
assert len(set(known.tolist())) == 40

def batch(rows, side, spare):
    width = max(lengths[row] for row in rows) + spare
    def pad(values):
        gap = [0] * (width - len(values))
        return values + gap if side == "right" else gap + values
    return {
        "input_ids": torch.tensor([pad(ids[row]) for row in rows]),
        "attention_mask": torch.tensor([pad([1] * int(lengths[row])) for row in rows]),
        "token_type_ids": torch.tensor([pad(types[row]) for row in rows]),
        "labels": torch.tensor([labels[row] for row in rows]),
        "num_items_in_batch": torch.tensor(3),
    }

order = rng.permutation(40)
parts = [order[start:start + 7].tolist() for start in range(0, 40, 7)]
sides = ["right", "left"] * 3
received = [(frozenset({True}), batch(p, s, 2)) for p, s in zip(parts, sides)]
batches, rows = describe(received, "train", 0)
assert rows.tolist() == known[order].tolist(), "names depend on padding"
assert [b.examples for b in batches] == [7] * 5 + [5]
assert [b.longest for b in batches] == [max(lengths[r] for r in p) for p in parts]
assert [b.shortest for b in batches] == [min(lengths[r] for r in p) for p in parts]
assert [b.real_tokens for b in batches] == [sum(lengths[r] for r in p) for p in parts]
assert all(b.width == b.longest + 2 and b.misplaced == 0 for b in batches)
assert [b.leading for b in batches] == [0, 7, 0, 7, 0, 5], "left padding unseen"
assert all(b.training for b in batches) and batches[0].stage == "train"
assert "num_items_in_batch" not in batches[0].shapes

for name, change in {"labels": 1, "token_type_ids": 1, "input_ids": 1}.items():
    broken = batch(parts[0], "right", 0)
    broken[name][0] += change
    _, rows = describe([(frozenset({False}), broken)], "train", 0)
    assert rows[0] != known[parts[0][0]], name
    assert rows[1:].tolist() == known[parts[0][1:]].tolist(), name

broken = batch(parts[0], "right", 2)
broken["attention_mask"][:] = 1
described, _ = describe([(frozenset({False}), broken)], "train", 0)
assert described[0].misplaced == int((broken["input_ids"] == 0).sum())

ends = batch(parts[0], "right", 2)
ends["input_ids"][:, 0] = 0
for pad_is_end, count in ((False, 7), (True, 0)):
    described, _ = describe([(frozenset({False}), ends)], "train", 0, pad_is_end=pad_is_end)
    assert described[0].misplaced == count, "a row may hold the end of sequence that pads"
ends["input_ids"][ends["attention_mask"] == 0] = 5
described, _ = describe([(frozenset({False}), ends)], "train", 0, pad_is_end=True)
assert described[0].misplaced == int((ends["attention_mask"] == 0).sum())
del broken["attention_mask"], broken["labels"]
described, rows = describe([(frozenset({False}), broken)], "train", 0)
assert described[0].misplaced == 0 and set(described[0].shapes) == {"input_ids", "token_type_ids"}
"""


def test_rows_are_known_again() -> None:
    """Checked where torch may be imported: in a process of its own."""
    subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, check=True)

"""Objectives: every task's loss is its closed form, a term a label, whatever pads the batch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.dataset import TASKS, Task
from harness.core.schema import Schema
from harness.worker import reference_loss
from harness.worker.batch_log import label_codes
from harness.worker.objective import IGNORED, Objective
from harness.worker.tasks import objective_of

LABELS = 3
WIDTH = 5
SEEDS = st.integers(0, 2**32 - 1)
SMOOTHED = ("single_label_classification", "token_classification", "causal_lm")


def objective(task: Task, smoothing: float = 0.0) -> Objective:
    """A task's, of three labels."""
    names = ("score",) if task == "regression" else ("a", "b", "c")
    return objective_of(Schema(texts=("text",), label_names=names, task=task), smoothing)


def batch(task: Task, rows: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Random logits and labels; of tokens, rows of several lengths padded to the longest."""
    draw = torch.Generator().manual_seed(seed)

    def numbers(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64)

    if task == "regression":
        return numbers(rows, 1), numbers(rows)
    if task == "multi_label_classification":
        return numbers(rows, LABELS), (numbers(rows, LABELS) > 0).double()
    if task == "single_label_classification":
        return numbers(rows, LABELS), torch.randint(LABELS, (rows,), generator=draw)
    labels = torch.randint(LABELS, (rows, WIDTH), generator=draw)
    lengths = torch.randint(2, WIDTH + 1, (rows,), generator=draw)
    labels[torch.arange(WIDTH) >= lengths[:, None]] = IGNORED
    return numbers(rows, WIDTH, LABELS), labels


@pytest.mark.parametrize("task", TASKS)
@settings(deadline=None, max_examples=30)
@given(rows=st.integers(1, 6), seed=SEEDS)
def test_the_sum_is_that_of_the_closed_forms(task: Task, rows: int, seed: int) -> None:
    """Torch's functions and the formulas give the same sum, of as many terms as are counted."""
    logits, labels = batch(task, rows, seed)
    for smoothing in (0.0, 0.1) if task in SMOOTHED else (0.0,):
        ours = objective(task, smoothing)
        terms = reference_loss.terms(task, logits, labels, smoothing)
        assert len(terms) == ours.terms(labels)
        torch.testing.assert_close(ours.total(logits, labels), terms.sum())


@pytest.mark.parametrize("task", TASKS)
@given(rows=st.integers(2, 6), seed=SEEDS)
@settings(deadline=None, max_examples=20)
def test_micro_batches_add_up(task: Task, rows: int, seed: int) -> None:
    """The sum of a batch is that of its parts; the mean of their means is not, of tokens."""
    logits, labels = batch(task, rows, seed)
    ours = objective(task)
    parts = [*zip(logits[:, None], labels[:, None], strict=True)]
    total = sum(ours.total(*part) for part in parts)
    torch.testing.assert_close(total, ours.total(logits, labels))
    assert sum(ours.terms(label) for _, label in parts) == ours.terms(labels)


@pytest.mark.parametrize("task", TASKS)
@given(seed=SEEDS)
@settings(deadline=None, max_examples=20)
def test_what_is_kept_gives_the_mean_loss(task: Task, seed: int) -> None:
    """An evaluation keeps what its mean loss and its metrics need."""
    logits, labels = batch(task, 4, seed)
    ours = objective(task)
    kept = ours.kept(logits, labels)
    expected = reference_loss.terms(task, logits, labels).mean().item()
    assert ours.mean_loss(kept, labels) == pytest.approx(expected)
    predictions, references = ours.measured(kept.numpy(), labels.numpy())
    assert len(predictions) == len(references)
    rows = ours.rows(kept, labels)
    assert len(rows) == 4
    assert not any((row == IGNORED).any() for row in rows)


@pytest.mark.parametrize("task", TASKS)
@given(seed=SEEDS, place=st.integers(0, 3))
@settings(deadline=None, max_examples=20)
def test_a_changed_label_is_another_row(task: Task, seed: int, place: int) -> None:
    """A row's code is its own label's: padding leaves it, and another label changes it."""
    _, labels = batch(task, 4, seed)
    codes = label_codes(labels.numpy())
    padded = torch.nn.functional.pad(labels, (0, 3), value=IGNORED) if labels.ndim > 1 else labels
    if task in {"token_classification", "causal_lm"}:
        assert (label_codes(padded.numpy()) == codes).all()
    changed = labels.clone()
    row = changed[place : place + 1].reshape(-1)
    row[0] = 1 - row[0] if task != "regression" else row[0] + 1
    changed[place : place + 1] = row.reshape(changed[place : place + 1].shape)
    moved = np.nonzero(label_codes(changed.numpy()) != codes)[0]
    assert moved.tolist() == [place]


@pytest.mark.parametrize("task", TASKS)
def test_batches_and_lists_have_the_same_codes(task: Task) -> None:
    """What a collator makes of labels, and how they stand in a data set, name the same rows."""
    _, labels = batch(task, 4, 0)
    rows = [row[row != IGNORED].tolist() if row.ndim else row.item() for row in labels]
    assert (label_codes(rows) == label_codes(labels.numpy())).all()

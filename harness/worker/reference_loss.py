"""Losses of all tasks, written again as closed forms: terms of a batch, from its logits and labels.

Cross-entropy -sum(q log softmax(x)) with q = (1 - s) one-hot + s uniform; binary cross-entropy
max(x, 0) - x y + log(1 + exp(-|x|)); squared error (x - y)^2.
"""

import torch

from harness.core.dataset import Task
from harness.worker.objective import IGNORED

Tensor = torch.Tensor


def terms(
    task: Task,
    logits: Tensor,
    labels: Tensor,
    smoothing: float = 0.0,
    weights: tuple[float, ...] = (),
) -> Tensor:
    """Every term of a batch's loss, one after the other.

    Args:
        task: whose loss it is.
        logits: of the model: (examples, labels), (examples, width, labels) of tokens, (examples, 1)
            of a regression.
        labels: of the batch: (examples,) ids or numbers, (examples, labels) indicators, or
            (examples, width) ids of tokens; of a language model, of the tokens themselves.
        smoothing: of the labels.
        weights: of the labels; all weigh alike if empty.

    Returns:
        (terms,).
    """
    if task == "regression":
        return (logits[:, 0] - labels).square()
    if task == "multi_label_classification":
        size = logits.abs()
        return (logits.clamp(min=0) - logits * labels + (1 + (-size).exp()).log()).reshape(-1)
    if task == "causal_lm":
        logits, labels = logits[:, :-1], labels[:, 1:]
    there = labels != IGNORED
    return cross_entropy(logits[there], labels[there], smoothing, weights)


def each(task: Task, logits: Tensor, labels: Tensor) -> Tensor:
    """The mean of every example's terms, (examples,); 0 of one that has none."""
    pairs = zip(logits[:, None], labels[:, None], strict=True)
    parts = [terms(task, one, label) for one, label in pairs]
    return torch.stack([part.sum() / max(len(part), 1) for part in parts])


def cross_entropy(
    logits: Tensor, labels: Tensor, smoothing: float = 0.0, weights: tuple[float, ...] = ()
) -> Tensor:
    """-sum(w q log softmax) of each row, q = (1 - smoothing) one-hot + smoothing uniform: (rows,).

    The weights w of the labels are 1 if there are none.
    """
    top = logits.max(dim=-1, keepdim=True).values
    log_probability = logits - top - (logits - top).exp().sum(dim=-1, keepdim=True).log()
    if weights:
        log_probability = log_probability * logits.new_tensor(weights)
    right = log_probability[torch.arange(len(labels)), labels]
    return -((1 - smoothing) * right + smoothing * log_probability.mean(dim=-1))

"""A close look at the first optimizer steps: each is computed again, apart from the run.

Loss and gradient come from `harness.worker.reference` and the batch that the model received;
the update from AdamW's closed form (Loshchilov and Hutter 2019, algorithm 2), with moments kept
here.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from harness.core.dataset import Task
from harness.core.decay import is_decayed
from harness.core.recipe import Recipe
from harness.core.trial import Look
from harness.core.variations import LOOKS
from harness.worker import reference_loss
from harness.worker.reference import ModelReference
from harness.worker.watch import Watch

_VALUES = 1 << 16
"""Of each tensor, as many values are followed at most."""

Tensors = dict[str, torch.Tensor]


class Interrupted(Exception):  # noqa: N818 - it is no error: the trial wants it
    """The run is broken off here."""


class Counter(TorchDispatchMode):  # type: ignore[no-untyped-call] # torch
    """Counts torch operators while it is entered."""

    def __init__(self) -> None:
        """Start from none."""
        super().__init__()  # type: ignore[no-untyped-call] # torch
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count one, and let it be."""
        del types
        self.count += 1
        return func(*args, **(kwargs or {}))


@dataclass(slots=True, kw_only=True)
class Closeup(Watch):
    """A watch that also looks closely, or breaks off.

    Attributes:
        model: what trains.
        recipe: how.
        task: to learn what.
        weights: of a term of the loss by its label; all weigh alike if empty.
        reference: what computes the first steps again; nothing does if None.
        interrupted: micro-batches after which to break off.
        mean_size: what a batch's summed loss is divided by; None if by its number of terms.
        looks: so far.
        counter: of torch operators.
        operations: of each step so far.
        update_operations: of each step's update.
    """

    model: Any
    recipe: Recipe
    task: Task
    weights: tuple[float, ...] = ()
    reference: ModelReference | None = None
    interrupted: int | None = None
    mean_size: float | None = None
    looks: list[Look] = field(default_factory=list)
    counter: Counter = field(default_factory=Counter)
    operations: list[int] = field(default_factory=list)
    update_operations: list[int] = field(default_factory=list)
    _counted: int = 0
    _counted_before: int = 0
    _batches: list[Mapping[str, Any]] = field(default_factory=list)
    _count: int = 0
    _moments: tuple[Tensors, Tensors] = field(default_factory=lambda: ({}, {}))
    _expected: Tensors = field(default_factory=dict)
    _gradient_figures: dict[str, float] = field(default_factory=dict)

    def micro_batch(self, loss: torch.Tensor, labels: torch.Tensor) -> None:
        """Keep what the model received; break off if it is time.

        Raises:
            Interrupted: where the variation says so.
        """
        self._batches += [{**received, "labels": labels} for _, received in self._seen]
        Watch.micro_batch(self, loss, labels)
        self._count += 1
        if self._count == self.interrupted:
            raise Interrupted

    def before_update(self, learning_rate: float) -> None:
        """Compare gradients with the formulas', and foresee the update."""
        Watch.before_update(self, learning_rate)
        if self.reference is not None and len(self.looks) < LOOKS:
            self._compare_gradients(self.reference)
            self._foresee(learning_rate)
        self._batches.clear()
        self._counted_before = self.counter.count

    def step(self, step: int, total: int, epoch: float) -> None:
        """Compare the parameters with what was foreseen."""
        self.update_operations.append(self.counter.count - self._counted_before)
        self.operations.append(self.counter.count - self._counted)
        self._counted = self.counter.count
        if self._expected:
            self.looks.append(self._compare_update())
            self._expected = {}
        Watch.step(self, step, total, epoch)

    def _compare_gradients(self, reference: ModelReference) -> None:
        """Loss and gradient of the step's examples, from the reference."""
        weights = dict(self.model.named_parameters())
        trained = [parameter for parameter in weights.values() if parameter.requires_grad]
        with torch.enable_grad():
            losses = torch.cat(
                [
                    reference_loss.terms(
                        self.task,
                        reference.logits(weights, batch),
                        batch["labels"],
                        self.recipe.label_smoothing_factor,
                        self.weights,
                    )
                    for batch in self._batches
                ]
            )
            loss = losses.sum() / (self.mean_size or len(losses))
            gradients = torch.autograd.grad(
                loss, trained, materialize_grads=True, allow_unused=True
            )
        norm = _norm(gradients)
        given = [
            torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            for parameter in trained
        ]
        clipped = _norm(given)
        apart = [
            ours / norm - theirs / clipped for ours, theirs in zip(gradients, given, strict=True)
        ]
        self._gradient_figures = {
            "loss": loss.item(),
            "norm": norm,
            "clipped": clipped,
            "direction": _norm(apart),
        }

    def _foresee(self, rate: float) -> None:
        """Where AdamW's closed form takes the parameters."""
        recipe, time = self.recipe, len(self.looks) + 1
        first, second = self._moments
        for name, parameter in self.model.named_parameters():
            value = _some(parameter)
            if parameter.grad is None:  # the optimizer passes it by
                self._expected[name] = value
                continue
            gradient = _some(parameter.grad)
            decay = recipe.weight_decay if is_decayed(name, parameter.ndim) else 0.0
            for moments, power, beta in (
                (first, gradient, recipe.adam_beta1),
                (second, gradient.square(), recipe.adam_beta2),
            ):
                moments[name] = beta * moments.get(name, 0.0) + (1 - beta) * power
            mean = first[name] / (1 - recipe.adam_beta1**time)
            deviation = (second[name] / (1 - recipe.adam_beta2**time)).sqrt()
            moved = mean / (deviation + recipe.adam_epsilon)
            self._expected[name] = value - rate * decay * value - rate * moved

    def _compare_update(self) -> Look:
        """How far the parameters are from where they should be."""
        distances = {
            name: (_some(parameter) - self._expected[name]).abs().max().item()
            for name, parameter in self.model.named_parameters()
        }
        worst = max(
            distances, key=lambda name: math.inf if math.isnan(distances[name]) else distances[name]
        )
        update = distances[worst] / self._learning_rate if self._learning_rate else 0.0
        return Look(**self._gradient_figures, update=update, worst=worst)


def _some(tensor: torch.Tensor) -> torch.Tensor:
    """A copy of a tensor's first values."""
    return tensor.detach().reshape(-1)[:_VALUES].clone()


def _norm(tensors: Any) -> float:
    """L2 norm of several tensors together."""
    return math.sqrt(sum(tensor.detach().square().sum().item() for tensor in tensors))

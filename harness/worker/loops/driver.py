"""The course that a loop without a Trainer takes: train, predict, evaluate the holdout, save."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch

from harness.worker.loops.batched import joined
from harness.worker.loops.setup import LoopResult, Setup
from harness.worker.watch import Watch


class DrivenLoop(Protocol):
    """What the driver needs of a loop.

    Attributes:
        setup: what it was given.
        watch: who observes it.
        step: optimizer steps so far.
        optimizer: of the model.
        log_history: what was logged, step by step.
    """

    setup: Setup
    watch: Watch
    step: int
    optimizer: Any
    log_history: list[dict[str, Any]]

    def train(self) -> None:
        """Take every step."""

    def evaluate(self, name: str, split: str) -> tuple[int, ...]:
        """Evaluate a split; the shape of its predictions."""

    def save_model(self) -> None:
        """Write the model and its tokenizer where `from_pretrained` finds both."""


class Results:
    """What an evaluation keeps, batch by batch, in the split's order."""

    def __init__(self, setup: Setup) -> None:
        """Nothing yet."""
        self.setup = setup
        self.kept: list[torch.Tensor] = []
        self.labels: list[torch.Tensor] = []

    def add(self, logits: torch.Tensor, labels: torch.Tensor) -> None:
        """Keep a batch, and add it to the metrics."""
        objective = self.setup.objective
        kept, own = objective.kept(logits, labels), labels.cpu()
        self.setup.metrics.add_batch(*objective.measured(kept.numpy(), own.numpy()))
        self.kept.append(kept)
        self.labels.append(own)

    def joined(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Everything that was kept, and its labels."""
        return joined(self.kept), joined(self.labels)


def report(loop: DrivenLoop, name: str, split: str, results: Results) -> tuple[int, ...]:
    """Measure an evaluation; the shape of its predictions.

    Args:
        loop: which has evaluated.
        name: of the evaluation.
        split: that was evaluated.
        results: of it.
    """
    kept, labels = results.joined()
    loss = loop.setup.objective.mean_loss(kept, labels)
    loop.watch.metrics_received((kept.numpy(), labels.numpy()))
    metrics = {**loop.setup.metrics.compute_added(), "loss": loss}
    loop.watch.evaluated(name, loop.step, split, metrics)
    logged = {f"eval_{metric}": value for metric, value in metrics.items()}
    loop.log_history.append({**logged, "step": loop.step})
    return tuple(kept.shape)


def follow(loop: DrivenLoop, setup: Setup, watch: Watch) -> LoopResult:
    """Take a loop through its course."""
    phases: dict[str, float] = {}

    @contextmanager
    def phase(name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        phases[name] = time.perf_counter() - started

    handle = watch.attach(setup.model)
    with phase("train"):
        loop.train()
    with phase("predict"):
        shape = loop.evaluate("final", "evaluation")
    if "holdout" in setup.splits:
        with phase("holdout"):
            loop.evaluate("holdout", "holdout")
    handle.remove()
    with phase("save"):
        if setup.recipe.save_model:
            loop.save_model()
        if setup.recipe.save_state:
            setup.output.mkdir(parents=True, exist_ok=True)
            state = json.dumps({"log_history": loop.log_history}, indent=1)
            (setup.output / "trainer_state.json").write_text(state, encoding="utf-8")
    return LoopResult(
        optimizer=loop.optimizer,
        log_history=loop.log_history,
        predicted_shape=shape,
        phases=phases,
    )

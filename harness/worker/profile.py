"""Timing on request: a live child that takes the same few steps again and again.

Two such children, of two environments, take turns, so that whatever else the machine does
meets both alike.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch.autograd.graph import register_multi_grad_hook
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from harness.core.job import Job
from harness.worker import clock
from harness.worker.loops.setup import Setup
from harness.worker.train import Timer, drive, peak_memory, prepare
from harness.worker.watch import Watch


class Stopwatch:
    """Seconds by phase: `collate`, `forward`, `backward`, `optimizer` of training alone."""

    def __init__(self, device: str) -> None:
        """Start from none."""
        self.device = device
        self.seconds: dict[str, float] = defaultdict(float)
        self._since = 0.0

    def begin(self, *_: Any) -> None:
        """A phase begins."""
        self._since = clock.synchronized(self.device)

    def end(self, phase: str) -> None:
        """The phase that began last is over."""
        self.seconds[phase] += clock.synchronized(self.device) - self._since

    @contextmanager
    def watching(self, setup: Setup) -> Iterator[Setup]:
        """A setup whose training is timed while the block runs.

        Backward begins with the gradient of the logits, and ends with those of all that is trained.
        """
        model = setup.model
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]

        def collate(features: Any) -> Any:
            self.begin()
            batch = setup.collator(features)
            self.end("collate" if model.training else "collate to evaluate")
            return batch

        def predicted(_: Any, __: Any, outputs: Any) -> None:
            self.end("forward" if model.training else "forward to evaluate")
            if outputs.logits.requires_grad:
                outputs.logits.register_hook(self.begin)

        handles = [
            model.register_forward_pre_hook(self.begin),
            model.register_forward_hook(predicted),
            register_multi_grad_hook(trained, lambda _: self.end("backward")),
            register_optimizer_step_pre_hook(self.begin),
            register_optimizer_step_post_hook(lambda *_: self.end("optimizer")),
        ]
        try:
            yield replace(setup, collator=collate)
        finally:
            for handle in handles:
                handle.remove()


def take(job: Job) -> dict[str, float]:
    """Train the job's recipe once, anew.

    Returns:
        Wall seconds: `tokenize`, `train`, `predict`, `save`; and within training `collate`,
        `forward`, `backward`, `optimizer`. Median seconds of a step, the first left out: `step`.
        Peak bytes so far: `memory`, on an accelerator its own.
    """
    torch.set_num_threads(job.threads)
    timer = Timer()
    with TemporaryDirectory(dir=job.scratch) as folder:
        prepared = prepare(replace(job, scratch=str(Path(folder))), timer)
        stopwatch = Stopwatch(job.device)
        watch = Watch(pad_id=prepared.setup.tokenizer.pad_token_id, progress=lambda *_: None)
        with stopwatch.watching(prepared.setup) as setup:
            outcome = drive(setup, watch)
    peak = peak_memory(job.device)
    memory = float(peak.get("device", peak["host"]))
    whole = {"tokenize": timer.phases["tokenize"], **outcome.phases}
    step = median(step.seconds for step in watch.steps[1:])
    return {**whole, **stopwatch.seconds, "step": step, "memory": memory}

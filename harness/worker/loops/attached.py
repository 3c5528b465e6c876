"""A Trainer under a watch: attached to from outside, driven, and otherwise left as it was made.

Callback and wrappers only look. Loss is taken from `training_step`, because what the Trainer logs
is rounded in some versions.
"""

import math
import time
from typing import Any

import torch
from transformers import TrainerCallback

from harness.worker.loops.batched import BatchedPredictions
from harness.worker.loops.setup import LoopResult, Setup
from harness.worker.watch import Watch


class WatchCallback(TrainerCallback):  # type: ignore[misc] # transformers ships no types
    """Tells the watch of the Trainer's events."""

    def __init__(self, watch: Watch) -> None:
        """Remember whom to tell."""
        self.watch = watch
        self.evaluating = ("", "evaluation")

    def on_train_begin(self, *_: object, **__: object) -> None:
        """Start the clock; training begins anew where a batch did not fit into memory."""
        self.watch.begin()

    def on_pre_optimizer_step(self, *_: object, optimizer: Any = None, **__: object) -> None:
        """Show the rate that the update takes: unknown, if the Trainer names no optimizer."""
        rate = math.nan if optimizer is None else optimizer.param_groups[0]["lr"]
        self.watch.before_update(rate)

    def on_step_end(self, _: object, state: Any, *__: object, **___: object) -> None:
        """Show that the update is done."""
        self.watch.step(state.global_step, state.max_steps, state.epoch)

    def on_log(self, *_: object, logs: dict[str, float], **__: object) -> None:
        """Show what was logged for a step; the summary of the whole run is none."""
        if "loss" in logs:
            self.watch.log(logs)
            self.watch.start()

    def on_evaluate(
        self,
        _: object,
        state: Any,
        *__: object,
        metrics: dict[str, float],
        **___: object,
    ) -> None:
        """Show an evaluation's metrics."""
        name, split = self.evaluating
        prefix = f"{name or 'eval'}_"
        self.watch.evaluated(
            name or f"step-{state.global_step}", state.global_step, split, _bare(metrics, prefix)
        )
        self.watch.start()

    def on_predict(
        self,
        _: object,
        state: Any,
        *__: object,
        metrics: dict[str, float],
        **___: object,
    ) -> None:
        """Show the metrics of predicting the evaluated split."""
        bare = _bare(metrics, "final_")
        self.watch.evaluated("final", state.global_step, "evaluation", bare)

    def on_save(self, *_: object, **__: object) -> None:
        """Leave saving out of the next step's time."""
        self.watch.start()


def _bare(metrics: dict[str, float], prefix: str) -> dict[str, float]:
    """Metrics by their bare names; the epoch, which carries no prefix, left out."""
    return {k[len(prefix) :]: float(v) for k, v in metrics.items() if k.startswith(prefix)}


def visited(setup: Setup, name: str) -> Any:
    """A split's examples in the order in which they are seen."""
    split = setup.splits[name]
    if not setup.recipe.remove_unused_columns:
        split = split.select_columns(setup.columns(split.column_names))
    return split.select(setup.orders[name]) if name in setup.orders else split


def attach(trainer: Any, watch: Watch) -> tuple[WatchCallback, Any]:
    """Watch a Trainer's steps; its callback, and the handle whose `remove` takes the hook away."""
    callback, step = WatchCallback(watch), trainer.training_step

    def training_step(model: Any, inputs: Any, *args: Any, **named: Any) -> torch.Tensor:
        labels = inputs.get("labels")  # a loss beside the model's may take them out
        loss: torch.Tensor = step(model, inputs, *args, **named)
        watch.micro_batch(loss, labels)
        return loss

    trainer.training_step = training_step
    trainer.add_callback(callback)
    return callback, watch.attach(trainer.model)


def drive(trainer: Any, setup: Setup, watch: Watch) -> LoopResult:
    """Train, predict the evaluated split, evaluate the holdout sample, save."""
    _show_predictions(trainer, setup, watch)
    callback, handle = attach(trainer, watch)
    phases: dict[str, float] = {}
    started = time.perf_counter()
    trainer.train(resume_from_checkpoint=setup.resume_from and str(setup.resume_from))
    phases["train"] = time.perf_counter() - started

    started = time.perf_counter()
    predicted = trainer.predict(visited(setup, "evaluation"), metric_key_prefix="final")
    phases["predict"] = time.perf_counter() - started

    if "holdout" in setup.splits:
        started = time.perf_counter()
        callback.evaluating = ("holdout", "holdout")
        trainer.evaluate(visited(setup, "holdout"), metric_key_prefix="holdout")
        phases["holdout"] = time.perf_counter() - started
    handle.remove()

    started = time.perf_counter()
    if setup.recipe.save_model:
        trainer.save_model(str(setup.saved))
    if setup.recipe.save_state:
        trainer.save_state()
    phases["save"] = time.perf_counter() - started
    return LoopResult(
        optimizer=trainer.optimizer,
        log_history=list(trainer.state.log_history),
        predicted_shape=tuple(predicted.predictions.shape),
        phases=phases,
    )


def _show_predictions(trainer: Any, setup: Setup, watch: Watch) -> None:
    """Have the watch see what metrics are computed of; a Trainer without any gets the suite's."""
    own, batched = trainer.compute_metrics, bool(trainer.args.batch_eval_metrics)
    batches = BatchedPredictions(batched=batched)

    def compute_metrics(received: Any, *, compute_result: bool = True) -> Any:
        whole = batches.add(received, last=compute_result)
        shown = None if whole is None else watch.metrics_received(whole)
        if own is not None:
            return own(received, compute_result=compute_result) if batched else own(received)
        return {} if shown is None else setup.metrics.compute(*setup.objective.measured(*shown))

    def kept(logits: Any, labels: Any) -> Any:
        logits = logits[0] if isinstance(logits, tuple) else logits
        return setup.objective.kept(logits, labels)

    trainer.compute_metrics = compute_metrics
    # Of a model with a decoder, predictions are several outputs, of widths of their own.
    reduced = setup.objective.reduces or setup.model.config.is_encoder_decoder
    if reduced and trainer.preprocess_logits_for_metrics is None:
        trainer.preprocess_logits_for_metrics = kept

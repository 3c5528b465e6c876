"""The `trainer` loop: `transformers.Trainer`, used the way its users use it.

The subclass and the callback only look. Loss is taken from `training_step`, because what the
Trainer logs is rounded in some versions.
"""

import math
import time
from typing import Any

import torch
from transformers import EarlyStoppingCallback, Trainer, TrainerCallback

from harness.core.recipe import Recipe
from harness.worker import compat
from harness.worker.loops import plan
from harness.worker.loops.batched import BatchedPredictions
from harness.worker.loops.setup import LoopResult, Setup
from harness.worker.watch import Watch


class WatchedTrainer(Trainer):  # type: ignore[misc] # transformers ships no types
    """A Trainer that shows the watch every micro-batch's loss."""

    watch: Watch
    setup: Setup
    mean_size: float | None = None

    def get_train_dataloader(self) -> Any:
        """Batches within a budget of tokens where the strategy has one, else the Trainer's own."""
        if not self.setup.strategy.budget:
            return super().get_train_dataloader()
        loader = plan.loader(self.setup, "train", torch.Generator())
        self.mean_size = plan.mean_size(self.setup, len(loader))
        return plan.shared(self.accelerator, loader)

    def compute_loss(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The Trainer's loss; in training, a term weighs alike in batches of any size."""
        labels = inputs["labels"]  # label smoothing takes them out
        loss = super().compute_loss(model, inputs, *args, **kwargs)
        if not (model.training and self.mean_size):
            return loss
        return loss * self.setup.objective.terms(labels) / self.mean_size

    def weighted_loss(self, outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
        """The weighted loss of a batch: its terms' sum by the number of a whole step's terms."""
        objective = self.setup.objective
        terms = num_items_in_batch
        if self.mean_size or terms is None:
            terms = objective.terms(labels)
        return objective.total(outputs["logits"], labels) / terms

    def training_step(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Take the step as ever, and show its loss."""
        labels = inputs["labels"]  # as above
        loss: torch.Tensor = super().training_step(model, inputs, *args, **kwargs)
        self.watch.micro_batch(loss, labels)
        return loss


class WatchCallback(TrainerCallback):  # type: ignore[misc] # as above
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


def _stopping(recipe: Recipe) -> list[TrainerCallback]:
    """What ends training early, if the recipe does."""
    if recipe.early_stopping_patience is None:
        return []
    return [EarlyStoppingCallback(recipe.early_stopping_patience, recipe.early_stopping_threshold)]


def _visited(setup: Setup, name: str) -> Any:
    """A split's examples in the order in which they are seen."""
    split = setup.splits[name]
    if not setup.recipe.remove_unused_columns:
        split = split.select_columns(setup.columns(split.column_names))
    return split.select(setup.orders[name]) if name in setup.orders else split


def _streamed(setup: Setup) -> Any:
    """The training examples as a stream."""
    if setup.recipe.remove_unused_columns:
        return setup.stream
    return setup.stream.select_columns(setup.columns(setup.splits["train"].column_names))


def run(setup: Setup, watch: Watch) -> LoopResult:
    """Train, predict the evaluated split, evaluate the holdout sample, save."""
    if setup.recipe.activation_checkpointing:
        compat.require_checkpointing(setup.model)
    batches = BatchedPredictions(batched=bool(setup.recipe.arguments.get("batch_eval_metrics")))

    def compute_metrics(received: Any, *, compute_result: bool = True) -> dict[str, float]:
        whole = batches.add(received, last=compute_result)
        if whole is None:
            return {}
        predictions, labels = watch.metrics_received(whole)
        return setup.metrics.compute(*setup.objective.measured(predictions, labels))

    def kept(logits: Any, labels: Any) -> Any:
        logits = logits[0] if isinstance(logits, tuple) else logits
        return setup.objective.kept(logits, labels)

    # Of a model with a decoder, predictions are several outputs, of widths of their own.
    reduced = setup.objective.reduces or setup.model.config.is_encoder_decoder
    callback = WatchCallback(watch)
    trainer = WatchedTrainer(
        model=setup.model,
        args=setup.arguments,
        data_collator=setup.collator,
        train_dataset=_visited(setup, "train") if setup.stream is None else _streamed(setup),
        eval_dataset=_visited(setup, "evaluation"),
        processing_class=setup.tokenizer,
        compute_metrics=compute_metrics,
        preprocess_logits_for_metrics=kept if reduced else None,
        callbacks=[callback, *_stopping(setup.recipe)],
    )
    trainer.watch, trainer.setup = watch, setup
    if setup.objective.weights:
        trainer.compute_loss_func = trainer.weighted_loss
    phases: dict[str, float] = {}
    handle = watch.attach(trainer.model)
    started = time.perf_counter()
    trainer.train(resume_from_checkpoint=setup.resume_from and str(setup.resume_from))
    phases["train"] = time.perf_counter() - started

    started = time.perf_counter()
    predicted = trainer.predict(_visited(setup, "evaluation"), metric_key_prefix="final")
    phases["predict"] = time.perf_counter() - started

    if "holdout" in setup.splits:
        started = time.perf_counter()
        callback.evaluating = ("holdout", "holdout")
        trainer.evaluate(_visited(setup, "holdout"), metric_key_prefix="holdout")
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

"""The `trainer` loop: `transformers.Trainer`, used the way its users use it."""

from typing import Any

import torch
from transformers import EarlyStoppingCallback, Trainer, TrainerCallback

from harness.core.recipe import Recipe
from harness.worker import compat
from harness.worker.loops import plan
from harness.worker.loops.attached import drive, visited
from harness.worker.loops.setup import LoopResult, Setup
from harness.worker.watch import Watch


class SuiteTrainer(Trainer):  # type: ignore[misc] # transformers ships no types
    """A Trainer whose batches may have a budget of tokens, and whose labels may weigh unequally."""

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


def _stopping(recipe: Recipe) -> list[TrainerCallback]:
    """What ends training early, if the recipe does."""
    if recipe.early_stopping_patience is None:
        return []
    return [EarlyStoppingCallback(recipe.early_stopping_patience, recipe.early_stopping_threshold)]


def _streamed(setup: Setup) -> Any:
    """The training examples as a stream."""
    if setup.recipe.remove_unused_columns:
        return setup.stream
    return setup.stream.select_columns(setup.columns(setup.splits["train"].column_names))


def run(setup: Setup, watch: Watch) -> LoopResult:
    """Train, predict the evaluated split, evaluate the holdout sample, save."""
    if setup.recipe.activation_checkpointing:
        compat.require_checkpointing(setup.model)
    trainer = SuiteTrainer(
        model=setup.model,
        args=setup.arguments,
        data_collator=setup.collator,
        train_dataset=visited(setup, "train") if setup.stream is None else _streamed(setup),
        eval_dataset=visited(setup, "evaluation"),
        processing_class=setup.tokenizer,
        callbacks=_stopping(setup.recipe),
    )
    trainer.setup = setup
    if setup.objective.weights:
        trainer.compute_loss_func = trainer.weighted_loss
    return drive(trainer, setup, watch)

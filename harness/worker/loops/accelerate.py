"""The `accelerate` loop: the plain loop, in one process or several, on any device.

What differs from `harness.worker.loops.pytorch` is what Accelerate is for: `prepare` shards the
batches and wraps model, optimizer and schedule; `backward` scales; `gather_for_metrics` brings
predictions together without counting what fills up the last batch twice.
"""

from contextlib import nullcontext
from itertools import islice
from typing import Any

import torch
from accelerate import Accelerator, DataLoaderConfiguration
from transformers import get_scheduler

from harness.worker import compat
from harness.worker.adapters import is_adapted
from harness.worker.loops import plan
from harness.worker.loops.driver import Results, follow, report
from harness.worker.loops.setup import LoopResult, Setup, step_of
from harness.worker.objective import IGNORED
from harness.worker.watch import Watch


def run(setup: Setup, watch: Watch) -> LoopResult:
    """Train, predict the evaluated split, evaluate the holdout sample, save."""
    return follow(AcceleratedLoop(setup, watch), setup, watch)


class AcceleratedLoop:
    """What an accelerator has prepared, and the steps it takes."""

    def __init__(self, setup: Setup, watch: Watch) -> None:
        """Build everything that training needs, and have it prepared."""
        recipe = setup.recipe
        torch.manual_seed(recipe.seed)
        self.setup, self.recipe, self.watch = setup, recipe, watch
        self.accelerator = Accelerator(
            cpu=setup.device == "cpu",
            mixed_precision=recipe.precision(setup.device),
            dataloader_config=DataLoaderConfiguration(
                use_seedable_sampler=True, data_seed=recipe.order_seed
            ),
        )
        model = setup.model
        if recipe.activation_checkpointing:
            compat.checkpoint_activations(model)
        batches = plan.loader(setup, "train", torch.Generator())
        self.mean_size = plan.mean_size(setup, len(batches))
        self.model, self.optimizer = self.accelerator.prepare(
            plan.compiled(model, recipe), plan.optimizer(model, recipe)
        )
        self.batches = plan.shared(self.accelerator, batches)
        self.plan = plan.Plan.of(recipe, len(self.batches))
        processes = self.accelerator.num_processes  # a prepared schedule steps once for each
        self.schedule = self.accelerator.prepare(
            get_scheduler(
                recipe.lr_scheduler_type,
                self.optimizer,
                self.plan.warmup * processes,
                self.plan.total * processes,
            )
        )
        self.best = plan.Best(recipe)
        self.log_history: list[dict[str, Any]] = []
        self.step = 0

    def train(self) -> None:
        """Take every step; evaluate and save when it is time."""
        recipe, accelerator = self.recipe, self.accelerator
        if self.setup.resume_from is not None:
            accelerator.load_state(str(self.setup.resume_from))
            self.step = step_of(self.setup.resume_from)
        self.watch.start()
        while self.step < self.plan.total:
            epoch, done = divmod(self.step, self.plan.steps_per_epoch)
            self.batches.set_epoch(epoch)
            batches = plan.skipping(self.batches, done * recipe.gradient_accumulation_steps)
            while micro_batches := list(islice(batches, recipe.gradient_accumulation_steps)):
                self.update(micro_batches)
                self.evaluate_and_save()
                self.watch.start()
                if self.step == self.plan.total:
                    break
        if recipe.load_best_model_at_end and self.best.folder is not None:
            plan.load_weights(self.setup.model, self.best.folder)

    def update(self, micro_batches: list[Any]) -> None:
        """One optimizer step: along the gradient of the mean over all terms, of all processes."""
        accelerator = self.accelerator
        self.model.train()
        own = torch.tensor(
            plan.terms(self.setup, micro_batches, self.mean_size), dtype=torch.float64
        )
        terms = accelerator.reduce(own.to(accelerator.device)).item()
        step_loss = torch.zeros((), device=accelerator.device)
        for index, batch in enumerate(micro_batches):
            last = index == len(micro_batches) - 1
            with nullcontext() if last else accelerator.no_sync(self.model):
                loss = self.total(batch) * accelerator.num_processes / terms
                accelerator.backward(loss)
            self.watch.micro_batch(loss.detach(), batch["labels"])
            step_loss += loss.detach()
        norm = accelerator.clip_grad_norm_(self.model.parameters(), plan.max_norm(self.recipe))
        rate = self.schedule.get_last_lr()[0]
        self.watch.before_update(rate)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        self.step += 1
        epoch = self.step / self.plan.steps_per_epoch
        self.watch.step(self.step, self.plan.total, epoch)
        mean = accelerator.reduce(step_loss, reduction="mean")
        logs = {"loss": mean.item(), "grad_norm": norm.item(), "learning_rate": rate}
        self.watch.log(logs)
        self.log_history.append({**logs, "epoch": epoch, "step": self.step})

    def total(self, batch: Any) -> torch.Tensor:
        """The sum of a batch's terms, from its logits: the model's own loss is not used."""
        with self.accelerator.autocast():
            logits = self.model(**self.setup.inputs(batch)).logits
            return self.setup.objective.total(logits, batch["labels"])

    def evaluate_and_save(self) -> None:
        """What the recipe wants after this step."""
        if self.plan.evaluates(self.step):
            self.evaluate(f"step-{self.step}", "evaluation")
        if self.plan.saves(self.step):
            folder = self.setup.output / f"checkpoint-{self.step}"
            self.accelerator.save_state(str(folder))
            model = self.accelerator.unwrap_model(self.model)
            (model if is_adapted(model) else model.config).save_pretrained(folder)
            self.best.consider(self.log_history[-1], folder)

    @torch.no_grad()
    def evaluate(self, name: str, split: str) -> tuple[int, ...]:
        """Predict every example of a split once, in its order, and measure."""
        self.model.eval()
        results = Results(self.setup)
        for batch in self.accelerator.prepare(plan.loader(self.setup, split)):
            predicted = self.model(**self.setup.inputs(batch)).logits
            own = (predicted, batch["labels"])
            if predicted.ndim > 2:  # noqa: PLR2004 - processes pad to widths of their own
                own = self.accelerator.pad_across_processes(own, dim=1, pad_index=IGNORED)
            results.add(*self.accelerator.gather_for_metrics(own))
        return report(self, name, split, results)

    def save_model(self) -> None:
        """Write the model and its tokenizer where `from_pretrained` finds both."""
        if self.accelerator.is_main_process:
            model = self.accelerator.unwrap_model(self.model)
            model.save_pretrained(self.setup.saved)
            self.setup.tokenizer.save_pretrained(self.setup.saved)

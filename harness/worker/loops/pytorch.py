"""The `pytorch` loop: fine-tuning, written out to be read.

Nothing drives it but torch. It shares the model, the collator and `get_scheduler` with the
Trainer and nothing else, so that where the two agree, both are right.
"""

from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch.nn.utils import clip_grad_norm_
from tqdm import tqdm
from transformers import get_scheduler

from harness.worker import compat
from harness.worker.loops import plan
from harness.worker.loops.driver import Results, follow, report
from harness.worker.loops.setup import LoopResult, Setup
from harness.worker.watch import Watch

STATE = "training_state.pt"


def run(setup: Setup, watch: Watch) -> LoopResult:
    """Train, predict the evaluated split, evaluate the holdout sample, save."""
    return follow(PlainLoop(setup, watch), setup, watch)


class PlainLoop:
    """A model, its optimizer, its schedule, and the steps they take."""

    def __init__(self, setup: Setup, watch: Watch) -> None:
        """Build everything that training needs."""
        recipe = setup.recipe
        torch.manual_seed(recipe.seed)
        self.setup, self.recipe, self.watch = setup, recipe, watch
        self.model = setup.model.to(setup.device)
        if recipe.activation_checkpointing:
            compat.checkpoint_activations(self.model)
        self.forward = plan.compiled(self.model, recipe)
        self.order = torch.Generator()
        self.batches = plan.loader(setup, "train", self.order)
        self.plan = plan.Plan.of(recipe, len(self.batches))
        self.mean_size = plan.mean_size(setup, len(self.batches))
        self.optimizer = plan.optimizer(self.model, recipe)
        self.schedule = get_scheduler(
            recipe.lr_scheduler_type, self.optimizer, self.plan.warmup, self.plan.total
        )
        self.autocast = plan.autocast(recipe, setup.device)
        self.scaler = plan.scaler(recipe, setup.device)
        self.best = plan.Best(recipe)
        self.log_history: list[dict[str, Any]] = []
        self.step = 0

    def train(self) -> None:
        """Take every step; evaluate and save when it is time."""
        recipe, watch = self.recipe, self.watch
        if self.setup.resume_from is not None:
            self.load_checkpoint(self.setup.resume_from)
        watch.start()
        with tqdm(total=self.plan.total, initial=self.step, mininterval=10) as bar:
            while self.step < self.plan.total:
                epoch, done = divmod(self.step, self.plan.steps_per_epoch)
                plan.begin_epoch(self.batches, self.order, recipe, epoch)
                batches = plan.skipping(self.batches, done * recipe.gradient_accumulation_steps)
                while micro_batches := list(islice(batches, recipe.gradient_accumulation_steps)):
                    self.update(micro_batches)
                    bar.update()
                    self.evaluate_and_save()
                    watch.start()
                    if self.step == self.plan.total:
                        break
        if recipe.load_best_model_at_end and self.best.folder is not None:
            plan.load_weights(self.model, self.best.folder)

    def update(self, micro_batches: list[Any]) -> None:
        """One optimizer step: along the gradient of the mean over all terms of its loss."""
        self.model.train()
        terms = plan.terms(self.setup, micro_batches, self.mean_size)
        step_loss = 0.0
        for batch in micro_batches:
            loss = self.total(batch.to(self.setup.device)) / terms
            self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call] # torch
            self.watch.micro_batch(loss.detach(), batch["labels"])
            step_loss += loss.item()
        self.scaler.unscale_(self.optimizer)
        norm = clip_grad_norm_(self.model.parameters(), plan.max_norm(self.recipe))
        rate = self.schedule.get_last_lr()[0]
        self.watch.before_update(rate)
        scale = self.scaler.get_scale()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.scaler.get_scale() >= scale:  # else the gradient overflowed: no step was taken
            self.schedule.step()
        self.optimizer.zero_grad()
        self.step += 1
        epoch = self.step / self.plan.steps_per_epoch
        self.watch.step(self.step, self.plan.total, epoch)
        logs = {"loss": step_loss, "grad_norm": norm.item(), "learning_rate": rate}
        self.watch.log(logs)
        self.log_history.append({**logs, "epoch": epoch, "step": self.step})

    def total(self, batch: Any) -> torch.Tensor:
        """The sum of a batch's terms, from its logits: the model's own loss is not used."""
        with self.autocast:
            logits = self.forward(**self.setup.inputs(batch)).logits
            return self.setup.objective.total(logits, batch["labels"])

    def evaluate_and_save(self) -> None:
        """What the recipe wants after this step."""
        if self.plan.evaluates(self.step):
            self.evaluate(f"step-{self.step}", "evaluation")
        if self.plan.saves(self.step):
            folder = self.setup.output / f"checkpoint-{self.step}"
            self.save_checkpoint(folder)
            self.best.consider(self.log_history[-1], folder)

    @torch.no_grad()
    def evaluate(self, name: str, split: str) -> tuple[int, ...]:
        """Predict every example of a split once, in its order, and measure."""
        self.model.eval()
        results = Results(self.setup)
        for batch in plan.loader(self.setup, split):
            batch = batch.to(self.setup.device)  # noqa: PLW2901 - the same batch, moved
            with self.autocast:
                predicted = self.forward(**self.setup.inputs(batch)).logits
            results.add(predicted, batch["labels"])
        return report(self, name, split, results)

    def save_checkpoint(self, folder: Path) -> None:
        """Everything that going on from here needs."""
        self.model.save_pretrained(folder)
        state = {
            "step": self.step,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": self.scaler.state_dict(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all(),
        }
        torch.save(state, folder / STATE)

    def load_checkpoint(self, folder: Path) -> None:
        """Go on from a checkpoint."""
        plan.load_weights(self.model, folder)
        state = torch.load(folder / STATE, weights_only=True)
        self.step = state["step"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["random"])
        torch.cuda.set_rng_state_all(state["random_cuda"])

    def save_model(self) -> None:
        """Write the model and its tokenizer where `from_pretrained` finds both."""
        self.model.save_pretrained(self.setup.saved)
        self.setup.tokenizer.save_pretrained(self.setup.saved)

"""What a recipe means to a loop without a Trainer: how many steps, what decays, what is due."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, RandomSampler

from harness.core.decay import is_decayed
from harness.core.errors import RunError
from harness.core.optimizers import OPTIMIZERS
from harness.core.recipe import Recipe
from harness.worker import adapters
from harness.worker.loops.setup import Setup
from harness.worker.sampling import ComposedBatches, lengths_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How long a run is and what happens after which of its steps.

    Attributes:
        recipe: what to run.
        steps_per_epoch: optimizer steps of one epoch.
        total: optimizer steps of the whole run.
    """

    recipe: Recipe
    steps_per_epoch: int
    total: int

    @classmethod
    def of(cls, recipe: Recipe, batches: int) -> "Plan":
        """The plan of a recipe whose epoch has this many batches."""
        each = math.ceil(batches / recipe.gradient_accumulation_steps)
        total = recipe.max_steps if recipe.max_steps > 0 else recipe.num_train_epochs * each
        return cls(recipe=recipe, steps_per_epoch=each, total=math.ceil(total))

    @property
    def warmup(self) -> int:
        """Steps of warmup: a number, or the share of all steps when below 1."""
        steps = self.recipe.warmup_steps
        return math.ceil(steps * self.total) if steps < 1 else int(steps)

    def evaluates(self, step: int) -> bool:
        """Whether an evaluation follows a step."""
        return self._due(self.recipe.eval_strategy, self.recipe.eval_steps, step)

    def saves(self, step: int) -> bool:
        """Whether a checkpoint follows a step."""
        return self._due(self.recipe.save_strategy, self.recipe.save_steps, step)

    def _due(self, strategy: str, every: int | None, step: int) -> bool:
        """Whether a strategy's turn has come; the last step's always has."""
        period = {"epoch": self.steps_per_epoch, "steps": every}.get(strategy)
        return period is not None and (step % period == 0 or step == self.total)


class Best:
    """The checkpoint of the best evaluation so far; the earliest among equals."""

    def __init__(self, recipe: Recipe) -> None:
        """Know which metric decides, and which way."""
        self.metric = "eval_" + (recipe.metric_for_best_model or "loss").removeprefix("eval_")
        greater = recipe.greater_is_better
        if greater is None:
            greater = not self.metric.endswith("loss")
        self.sign = 1 if greater else -1
        self.value = -math.inf
        self.folder: Path | None = None

    def consider(self, logged: Mapping[str, float], folder: Path) -> None:
        """Remember the folder if the evaluation just logged is better than any before."""
        value = self.sign * logged.get(self.metric, math.nan)
        if value > self.value:
            self.value, self.folder = value, folder


def optimizer(model: torch.nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW as the recipe sets it; biases and LayerNorms do not decay.

    Raises:
        RunError: the recipe names an optimizer that only the Trainer knows.
    """
    if recipe.optim not in OPTIMIZERS:
        raise RunError(
            f"the Trainer alone knows optim={recipe.optim!r}",
            why=f"what runs without it knows {', '.join(OPTIMIZERS)}",
            fix="choose one of them",
        )
    groups: dict[bool, list[torch.nn.Parameter]] = {True: [], False: []}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups[is_decayed(name, parameter.ndim)].append(parameter)
    return torch.optim.AdamW(
        [
            {"params": groups[True], "weight_decay": recipe.weight_decay},
            {"params": groups[False], "weight_decay": 0.0},
        ],
        lr=recipe.learning_rate,
        betas=(recipe.adam_beta1, recipe.adam_beta2),
        eps=recipe.adam_epsilon,
        fused=OPTIMIZERS[recipe.optim],
    )


def loader(setup: Setup, name: str, order: torch.Generator | None = None) -> "DataLoader[Any]":
    """Batches of a split, ready for the model: shuffled for training if an order is given."""
    recipe, split = setup.recipe, setup.splits[name]
    kept = setup.columns(split.column_names)
    rows = split.select_columns(kept)
    drawn: dict[str, Any]
    if order is None:
        drawn = {
            "batch_size": recipe.per_device_eval_batch_size,
            "sampler": setup.orders[name].tolist() if name in setup.orders else None,
            # torch draws a seed for workers that may not exist; that must not disturb dropout
            "generator": torch.Generator(),
        }
    elif setup.strategy.grouped:
        drawn = {"batch_sampler": ComposedBatches(lengths_of(split), setup.strategy, recipe)}
    else:
        drawn = {
            "batch_size": recipe.per_device_train_batch_size,
            "sampler": RandomSampler(rows, generator=order),
            "drop_last": recipe.dataloader_drop_last,
        }
    return DataLoader(
        rows,
        collate_fn=setup.collator,
        num_workers=recipe.dataloader_num_workers,
        pin_memory=recipe.dataloader_pin_memory and setup.device == "cuda",
        **drawn,
    )


def shared(accelerator: Any, batches: "DataLoader[Any]") -> Any:
    """A loader whose batches an accelerator shares out among its processes.

    Older releases cannot even out batches of many sizes: these are even already.
    """
    if not isinstance(batches.batch_sampler, ComposedBatches):
        return accelerator.prepare(batches)
    batches.batch_sampler.share(accelerator.num_processes)
    even, accelerator.even_batches = accelerator.even_batches, False
    try:
        return accelerator.prepare(batches)
    finally:
        accelerator.even_batches = even


def begin_epoch(batches: Any, order: torch.Generator, recipe: Recipe, epoch: int) -> None:
    """Have a loader draw the order of an epoch."""
    order.manual_seed(recipe.order_seed + epoch)
    if isinstance(batches.batch_sampler, ComposedBatches):
        batches.batch_sampler.sampler.set_epoch(epoch)


def mean_size(setup: Setup, batches: int) -> float | None:
    """What the summed loss of a batch is divided by; None if by its own number of terms.

    Where a budget makes batches of many sizes, all are divided by their mean, or an example of a
    small one would weigh more than another.
    """
    if not setup.strategy.budget:
        return None
    return setup.objective.all_terms(setup.splits["train"]) / batches


def terms(setup: Setup, micro_batches: Sequence[Any], mean_size: float | None) -> float:
    """What the summed loss of some micro-batches is divided by."""
    return sum(mean_size or setup.objective.terms(batch["labels"]) for batch in micro_batches)


def skipping(batches: "DataLoader[Any]", count: int) -> Iterator[Any]:
    """The batches after the first `count`, which an interrupted run has had.

    Looking at them must leave the random state as the run had left it.
    """
    state = torch.get_rng_state()
    rest = iter(batches)
    if count:
        next(islice(rest, count - 1, count))
        torch.set_rng_state(state)
    return rest


def max_norm(recipe: Recipe) -> float:
    """The gradient norm to clip to; 0 means none."""
    return recipe.max_grad_norm or math.inf


def compiled(model: torch.nn.Module, recipe: Recipe) -> Any:
    """The model as its forward is to be called: compiled if the recipe wants it."""
    if not recipe.torch_compile:
        return model
    return torch.compile(model, backend=recipe.torch_compile_backend or "inductor")


def autocast(recipe: Recipe, device: str) -> torch.autocast:
    """The precision of a recipe's forward passes on a device."""
    precision = recipe.precision(device)
    return torch.autocast(
        device,
        dtype=torch.float16 if precision == "fp16" else torch.bfloat16,
        enabled=precision != "no",
    )


def scaler(recipe: Recipe, device: str) -> torch.amp.GradScaler:
    """What keeps float16's small gradients from vanishing; does nothing in another precision."""
    return torch.amp.GradScaler(device, enabled=recipe.precision(device) == "fp16")


def load_weights(model: Any, folder: Path) -> None:
    """Put the weights that `save_pretrained` wrote to a folder back into their model."""
    if adapters.is_adapted(model):
        adapters.put_back(model, folder)
        return
    saved = type(model).from_pretrained(folder, dtype=model.dtype)
    model.load_state_dict(saved.state_dict())

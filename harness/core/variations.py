"""The variations of a cell's recipe that are tried beside it, declared once.

All start from `base`: a few examples, one epoch, dynamic padding, double precision, no dropout; the
data, the model, the loop, the optimizer, the schedule and the seeds are the cell's, and so are
further arguments that change what is computed. The rest are TrainingArguments' defaults. 22
examples make five batches of four and one of two.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from harness.core.collation import DYNAMIC, MAX_LENGTH, PLAIN, Collation, multiples_of, within
from harness.core.dataset import TASKS, Task
from harness.core.optimizers import OPTIMIZERS
from harness.core.recipe import LOOPS, SCALES, Loop, Recipe, Scale
from harness.core.schedules import GUIDED, SCHEDULES
from harness.core.trainer_arguments import ARGUMENTS, Effect

ROWS = 23
"""Most training examples that a variation needs."""

EVALUATED = 15
"""Evaluated examples: no batch size here divides them."""

LOOKS = 3
"""Steps that are computed again from formulas, where a variation asks for it."""

LONGEST = 64
"""Tokens: enough for examples of different lengths, few enough to be quick."""

OTHER_SEED = 1_000_003
"""A seed that hardly any recipe has."""

COMPUTED: frozenset[Effect] = frozenset({"updates", "rates", "noise"})
"""What a further argument must change to be tried, too. Noise is tried where dropout is."""

SMOOTHED: tuple[Task, ...] = ("single_label_classification", "token_classification", "causal_lm")
"""Tasks whose labels can be smoothed: those of one class of several."""

Given = Literal["dataset", "list", "torch"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Variation:
    """How one trial differs from the base.

    Attributes:
        changes: fields of the recipe that name nothing.
        collation: how examples become batches.
        loops: in which it is tried; in all if None.
        tasks: of which it is tried.
        scales: at which it is tried.
        other_loop: whether another loop than the cell's runs it: the plain one, or the Trainer
            where the cell's is the plain one.
        dropout: whether the model drops out as its checkpoint says.
        single: single instead of double precision.
        look: whether the first steps are computed again from formulas.
        interrupted: micro-batches after which the run breaks off, to be resumed from its last
            checkpoint.
        processes: how many train together.
        grouped: whether batches are of like lengths.
        given: as what the training examples are handed over.
        counted: whether torch's operators are counted.
    """

    changes: Mapping[str, Any] = field(default_factory=dict)
    collation: Collation = DYNAMIC
    loops: tuple[str, ...] | None = None
    tasks: tuple[Task, ...] = TASKS
    scales: tuple[Scale, ...] = SCALES
    other_loop: bool = False
    dropout: bool = False
    single: bool = False
    look: bool = False
    interrupted: int | None = None
    processes: int = 1
    grouped: bool = False
    given: Given = "dataset"
    counted: bool = False

    def of(self, recipe: Recipe, loop: Loop) -> tuple[Recipe, Loop]:
        """What it makes of a base and its loop."""
        if self.other_loop:
            loop = LOOPS["trainer" if loop.kind == "pytorch" else "pytorch"]
        arguments = {
            name: value
            for name, value in recipe.arguments.items()
            if loop.kind == "trainer" and (self.dropout or "noise" not in ARGUMENTS[name].effects)
        }
        kind = recipe.lr_scheduler_type
        named = replace(
            recipe,
            collation=self.collation.name,
            loop=loop.name,
            lr_scheduler_type=kind if loop.kind == "trainer" or kind in SCHEDULES else "linear",
            arguments=arguments,
        )
        return replace(named, **self.changes), loop


def base(recipe: Recipe) -> Recipe:
    """The recipe that all variations of a cell start from."""
    guided = recipe.lr_scheduler_type in GUIDED  # by evaluations, which these do not have
    return Recipe(
        dataset=recipe.dataset,
        model=recipe.model,
        loop=recipe.loop,
        max_length=min(recipe.max_length or LONGEST, LONGEST),
        max_train_samples=22,
        max_eval_samples=EVALUATED,
        subset_seed=recipe.subset_seed,
        tokenize=recipe.tokenize,
        save_model=False,
        save_state=False,
        num_train_epochs=1,
        per_device_train_batch_size=4,
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay or 0.1,
        adam_beta1=recipe.adam_beta1,
        adam_beta2=recipe.adam_beta2,
        adam_epsilon=recipe.adam_epsilon,
        lr_scheduler_type="linear" if guided else recipe.lr_scheduler_type,
        optim=recipe.optim if recipe.optim in OPTIMIZERS else "adamw_torch",
        seed=recipe.seed,
        data_seed=recipe.order_seed,
        class_weight=recipe.class_weight,
        peft=recipe.peft,
        arguments={
            name: value
            for name, value in recipe.arguments.items()
            if not COMPUTED.isdisjoint(ARGUMENTS[name].effects)
            and not (guided and name == "lr_scheduler_kwargs")
        },
    )


_IN_HALVES = {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2}
_BUDGET = within(LONGEST)
_KEPT = {"save_strategy": "steps", "save_steps": 3, "num_train_epochs": 2, **_IN_HALVES}
_COMPILED = {
    "torch_compile": True,
    "max_train_samples": 20,
    "per_device_eval_batch_size": EVALUATED,
}
"""Every shape is compiled anew, which costs seconds: one shape to train, one to evaluate."""
_BEST = {
    "eval_strategy": "steps",
    "eval_steps": 2,
    "save_strategy": "steps",
    "save_steps": 2,
    "load_best_model_at_end": True,
    "metric_for_best_model": "loss",
}

VARIATIONS: Mapping[str, Variation] = {
    "reference": Variation(changes={"num_train_epochs": 2}, look=True),
    "other loop": Variation(changes={"num_train_epochs": 2}, other_loop=True),
    "accumulated": Variation(changes={"num_train_epochs": 2, **_IN_HALVES}, look=True),
    "ragged": Variation(changes={"max_train_samples": 23}),
    "ragged, accumulated": Variation(changes={"max_train_samples": 23, **_IN_HALVES}),
    "smoothed": Variation(changes={"label_smoothing_factor": 0.1}, tasks=SMOOTHED, look=True),
    "smoothed, accumulated": Variation(
        changes={"label_smoothing_factor": 0.1, **_IN_HALVES}, tasks=SMOOTHED
    ),
    "unclipped": Variation(changes={"max_grad_norm": 0.0}, look=True),
    "padded to max_length": Variation(changes={"num_train_epochs": 2}, collation=MAX_LENGTH),
    "padded to multiples": Variation(changes={"num_train_epochs": 2}, collation=multiples_of(8)),
    "packed": Variation(changes={"num_train_epochs": 2}, collation=PLAIN["packed"]),
    "free of padding": Variation(changes={"num_train_epochs": 2}, collation=PLAIN["padding_free"]),
    "within a budget": Variation(collation=_BUDGET, look=True),
    "within a budget, accumulated": Variation(
        changes={"gradient_accumulation_steps": 2}, collation=_BUDGET, loops=("accelerate",)
    ),
    "within a budget, two processes": Variation(
        collation=_BUDGET, loops=("accelerate",), processes=2
    ),
    "whole": Variation(changes={"max_train_samples": 20}),
    "two processes": Variation(
        changes={"max_train_samples": 20, "per_device_train_batch_size": 2},
        loops=("trainer", "accelerate"),
        processes=2,
    ),
    "uninterrupted": Variation(changes=_KEPT, dropout=True),
    "resumed": Variation(changes=_KEPT, dropout=True, interrupted=9),
    "resumed between epochs": Variation(changes=_KEPT, dropout=True, interrupted=12),
    "resumed in second epoch": Variation(changes=_KEPT, dropout=True, interrupted=18),
    "least is best": Variation(changes={**_BEST, "greater_is_better": False}),
    "greatest is best": Variation(changes={**_BEST, "greater_is_better": True}),
    "evaluated by 7": Variation(changes={"num_train_epochs": 2, "per_device_eval_batch_size": 7}),
    "evaluated by 16": Variation(changes={"num_train_epochs": 2, "per_device_eval_batch_size": 16}),
    "grouped": Variation(loops=("trainer",), grouped=True),
    "noisy": Variation(dropout=True, single=True),
    "repeated": Variation(dropout=True, single=True),
    "evaluated often": Variation(
        changes={"eval_strategy": "steps", "eval_steps": 1}, dropout=True, single=True
    ),
    "other seed": Variation(changes={"seed": OTHER_SEED}, dropout=True, single=True),
    "other order": Variation(changes={"data_seed": OTHER_SEED}, dropout=True, single=True),
    "single precision": Variation(changes={"num_train_epochs": 2}, single=True),
    "bfloat16": Variation(changes={"num_train_epochs": 2, "bf16": True}, single=True),
    "checkpointed": Variation(changes={"num_train_epochs": 2, "activation_checkpointing": True}),
    "list of dicts": Variation(changes={"num_train_epochs": 2}, loops=("trainer",), given="list"),
    "counted": Variation(changes={"optim": "adamw_torch_fused"}, counted=True),
    "other loop, counted": Variation(
        changes={"optim": "adamw_torch_fused"}, counted=True, other_loop=True
    ),
    "compiled": Variation(
        changes={**_COMPILED, "torch_compile_backend": "eager"},
        collation=MAX_LENGTH,
        loops=("trainer",),
    ),
    "compiled by inductor": Variation(changes=_COMPILED, collation=MAX_LENGTH, scales=("full",)),
    "with a worker": Variation(
        changes={"dataloader_num_workers": 1}, loops=("trainer",), given="torch"
    ),
    "torch dataset": Variation(changes={"num_train_epochs": 2}, loops=("trainer",), given="torch"),
}


def names(loop: Loop, scale: Scale, task: Task) -> tuple[str, ...]:
    """The variations that a loop can try of a task at a scale."""
    return tuple(
        name
        for name, variation in VARIATIONS.items()
        if (variation.loops is None or loop.kind in variation.loops)
        and not (loop.reference and variation.collation.budget)  # which our Trainers alone know
        and scale in variation.scales
        and task in variation.tasks
    )

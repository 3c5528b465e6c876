"""The recipe: everything that decides what a training run computes, and the loops that drive it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, Literal, Self, get_args

from harness.core import digest, peft_methods
from harness.core.dataset import Dataset, is_reference
from harness.core.errors import SpecError, unknown
from harness.core.model import Model
from harness.core.schedules import GUIDED
from harness.core.serial import hints
from harness.core.spec import Spec, fitting
from harness.core.trainer_arguments import ARGUMENTS, RENAMED, Effect, check_taken, effects_of

Scale = Literal["tiny", "full"]
Device = Literal["cpu", "cuda"]
Lengths = Literal["measured", "uniform", "outliers"]
Precision = Literal["no", "fp16", "bf16"]

SCALES: tuple[Scale, ...] = get_args(Scale)
LENGTHS: tuple[Lengths, ...] = get_args(Lengths)


@dataclass(frozen=True, kw_only=True, slots=True)
class Loop:
    """Who drives the steps.

    Attributes:
        name: as a recipe writes it.
        module: of the worker, whose `run` trains a setup under a watch.
        reference: to a user's function that makes the Trainer; empty if a loop is ours.
    """

    name: str
    module: str
    reference: str = ""

    @property
    def kind(self) -> str:
        """The one of ours that it is, or that it is like: a user's function makes a Trainer."""
        return "trainer" if self.reference else self.name


LOOPS = {
    name: Loop(name=name, module=f"harness.worker.loops.{name}")
    for name in ("trainer", "pytorch", "accelerate")
}
"""The loops by name."""


def find_loop(name: str) -> Loop:
    """The loop of that name, or the one that a user's `module:function` makes.

    Raises:
        SpecError: there is none; the message names the nearest.
    """
    if is_reference(name):
        return Loop(name=name, module="harness.worker.loops.own", reference=name)
    if name not in LOOPS:
        raise unknown("loop", name, LOOPS)
    return LOOPS[name]


def _taking_arguments(kind: type["Recipe"]) -> type["Recipe"]:
    """Have a recipe take further arguments of `TrainingArguments` by their own names.

    Its fields stay what type checkers and editors know; `arguments={…}` says the same to them.
    """
    declared: Any = kind.__init__

    def __init__(self: "Recipe", **values: Any) -> None:  # noqa: N807 - a class's
        fields: dict[str, Any] = {}
        further: dict[str, Any] = {}
        stored = fitting("arguments", Mapping[str, Any], values.pop("arguments", {}))
        for name, value in {**stored, **values}.items():
            known = RENAMED.get(name, name)
            check_name("Recipe field", known)
            (further if known in ARGUMENTS else fields)[known] = value
        declared(self, **fields, arguments=further)

    kind.__init__ = __init__  # type: ignore[method-assign] # as said above
    return kind


@_taking_arguments
@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe(Spec):
    """Everything that decides what a training run computes.

    Fields that exist in `transformers.TrainingArguments` carry its names, meanings and
    defaults; those of its fields that are missing here are taken by their own names, too, and
    held in `arguments`. The others:

    Attributes:
        dataset: a data set of the catalog, such as `glue/mrpc`, or one's own as a `Dataset`.
        model: a model of the catalog, such as `bert-base-uncased`, a Hub repository, or one's own
            as a `Model`.
        collation: how examples become a batch: `dynamic`, `max_length`, `group_by_length`,
            `sorted`, `packed`, `padding_free`, `max_tokens:N` or `pad_to_multiple_of:N`.
        loop: who drives the steps: `trainer`, `pytorch`, `accelerate`, or a `module:function` that
            makes a Trainer of a `Setup`.
        max_length: truncation length in tokens, special tokens included; the model's limit
            if None.
        max_train_samples: rows kept by `shuffle(seed=subset_seed).select(range(n))`; all if None.
        max_eval_samples: likewise, of the evaluated split.
        subset_seed: seed of both shuffles.
        max_holdout_samples: size of a second sample of the evaluated split, evaluated once
            after training; none if None.
        holdout_seed: seed of that sample's shuffle.
        num_proc: processes that tokenize; in the run's own if None.
        tokenize: `module:function` that makes features of a batch of rows, a tokenizer and
            `max_length`, where text columns and truncation do not say it.
        streaming: train on an `IterableDataset`, by the Trainer, for `max_steps`.
        warmup_steps: steps, or the share of all steps when below 1 (as in transformers 5).
        fp16: half precision on an accelerator; a CPU trains in float32.
        remove_unused_columns: by the loop; else they are gone before it sees the examples.
        dataloader_pin_memory: on an accelerator; a CPU has nothing to copy to.
        save_model: finish with `Trainer.save_model`.
        save_state: finish with `Trainer.save_state`.
        class_weight: how much a term of the loss counts by its label, in the order of the labels'
            ids; or `balanced`, by how rare a label is among the training rows. The weighted sum is
            divided by the number of terms.
        early_stopping_patience: evaluations in a row without a better metric after which training
            ends, by `EarlyStoppingCallback`; never if None.
        early_stopping_threshold: by how much a metric must be better.
        peft: adapters that train while the model's own weights rest, in the words of the
            configuration of peft's method, such as `{"r": 8}`; `peft_type` names one that is not
            `LORA`.
        arguments: further fields of `TrainingArguments`, by name; None is no value.
    """

    dataset: str | Dataset
    model: str | Model = "bert-base-uncased"
    collation: str = "dynamic"
    loop: str = "trainer"
    max_length: int | None = None
    max_train_samples: int | None = None
    max_eval_samples: int | None = None
    subset_seed: int = 42
    max_holdout_samples: int | None = None
    holdout_seed: int = 64
    num_proc: int | None = None
    tokenize: str | None = None
    streaming: bool = False
    save_model: bool = True
    save_state: bool = True

    num_train_epochs: float = 3.0
    max_steps: int = -1
    per_device_train_batch_size: int = 8
    per_device_eval_batch_size: int = 8
    gradient_accumulation_steps: int = 1
    learning_rate: float = 5e-5
    weight_decay: float = 0.0
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    max_grad_norm: float = 1.0
    label_smoothing_factor: float = 0.0
    lr_scheduler_type: str = "linear"
    warmup_steps: float = 0.0
    optim: str = "adamw_torch_fused"
    seed: int = 42
    data_seed: int | None = None
    fp16: bool = False
    bf16: bool = False
    activation_checkpointing: bool = False
    torch_compile: bool = False
    torch_compile_backend: str | None = None
    dataloader_num_workers: int = 0
    dataloader_drop_last: bool = False
    dataloader_pin_memory: bool = True
    remove_unused_columns: bool = True
    eval_strategy: str = "no"
    eval_steps: int | None = None
    save_strategy: str = "no"
    save_steps: int = 500
    load_best_model_at_end: bool = False
    metric_for_best_model: str | None = None
    greater_is_better: bool | None = None

    class_weight: Literal["balanced"] | tuple[float, ...] | None = None
    early_stopping_patience: int | None = None
    early_stopping_threshold: float = 0.0
    peft: Mapping[str, Any] | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __new__(cls, *_: object, **__: object) -> Self:
        """Names are checked where further arguments are told from fields."""
        return object.__new__(cls)

    def __post_init__(self) -> None:
        """Bring the values to their types, those of further arguments too."""
        further = {
            name: fitting(name, ARGUMENTS[name].type, value)
            for name, value in self.arguments.items()
            if value is not None
        }
        object.__setattr__(self, "arguments", further)
        Spec.__post_init__(self)

    @property
    def order_seed(self) -> int:
        """The seed of the first epoch's order."""
        return self.seed if self.data_seed is None else self.data_seed

    @property
    def withholds_labels(self) -> bool:
        """Whether the loss is computed beside the model, which then receives no labels."""
        return bool(self.label_smoothing_factor) or self.class_weight is not None

    def precision(self, device: str) -> Precision:
        """What autocast is set to on a device; a CPU does not do float16."""
        if self.fp16 and device != "cpu":
            return "fp16"
        return "bf16" if self.bf16 else "no"

    def length(self, limit: int) -> int:
        """Tokens that an example is cut to, for a model that reads no more than a limit.

        Raises:
            SpecError: `max_length` is over it.
        """
        if self.max_length is not None and self.max_length > limit:
            raise SpecError(
                f"max_length={self.max_length} is over the limit of {self.model}",
                why=f"it reads at most {limit} tokens",
                fix=f"use max_length={limit} or less",
            )
        return self.max_length or limit

    @property
    def effects(self) -> Mapping[str, frozenset[Effect]]:
        """What each argument changes that is set and of which not every invariant knows."""
        own: dict[str, frozenset[Effect]] = {}
        if self.early_stopping_patience is not None:
            own["early_stopping_patience"] = frozenset({"duration"})
        if self.lr_scheduler_type in GUIDED:
            own["lr_scheduler_type"] = frozenset({"rates"})
        if self.class_weight is not None:
            own["class_weight"] = frozenset({"loss"})
        if self.peft is not None:
            own["peft"] = peft_methods.effects_of(self.peft)
        if self.streaming:
            own["streaming"] = frozenset({"batches", "order", "duration"})
        if self.tokenize is not None:
            own["tokenize"] = frozenset({"tokenization"})
        return {**own, **effects_of(self.arguments)}

    @property
    def decisive(self) -> dict[str, Any]:
        """Every field; of those that came later, what is set: earlier recipes keep their key."""
        return {n: v for n, v in asdict(self).items() if n not in LATER or v != LATER[n]}

    @property
    def key(self) -> str:
        """Digest of every field."""
        return digest.of_json(self.decisive)


LATER: Mapping[str, Any] = {
    "tokenize": None,
    "streaming": False,
    "class_weight": None,
    "early_stopping_patience": None,
    "early_stopping_threshold": 0.0,
    "peft": None,
    "arguments": {},
}
"""Fields that recipes of earlier versions do not have, and what says the same."""


@cache
def value_types() -> Mapping[str, Any]:
    """The type of every name that a recipe takes: its fields, and the further arguments."""
    return {**hints(Recipe), **{name: argument.type for name, argument in ARGUMENTS.items()}}


def check_name(kind: str, name: str) -> None:
    """Refuse a name that no recipe takes.

    Raises:
        SpecError: the message names the nearest; of an argument that is known and not taken, why.
    """
    check_taken(name)
    if name not in value_types():
        raise unknown(kind, name, value_types())


OUR_FIELDS = frozenset(
    (
        *("dataset", "model", "collation", "loop", "max_length", "max_train_samples"),
        *("max_eval_samples", "subset_seed", "max_holdout_samples", "holdout_seed", "num_proc"),
        *("tokenize", "streaming", "save_model", "save_state", "class_weight"),
        *("early_stopping_patience", "early_stopping_threshold", "peft", "arguments"),
    )
)
"""The recipe's fields that `transformers.TrainingArguments` does not have."""

"""What a suite declares: recipes, matrices and thresholds, and the cells they multiply into.

Frozen and JSON-able. Whether the values make sense together is `harness.validation`'s business:
a recipe must be constructible to be complained about.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from typing import Any, Literal, Self, get_args

from harness import digest
from harness.errors import MisfitError, SpecError, unknown
from harness.serial import checked, hints

Scale = Literal["tiny", "full"]
Device = Literal["cpu", "cuda"]
Value = str | int | float | bool | None

Lengths = Literal["measured", "uniform", "outliers"]
Precision = Literal["no", "fp16", "bf16"]

SCALES: tuple[Scale, ...] = ("tiny", "full")
LENGTHS: tuple[Lengths, ...] = get_args(Lengths)
HEADLINE_AXES = ("model", "collation", "loop")


class Spec:
    """Base of the declarations: an unknown field is answered with the nearest valid one.

    Values are brought to their declared types, so that equal declarations have equal JSON.
    """

    __slots__ = ()

    def __new__(cls, *_: object, **values: object) -> Self:
        """Refuse unknown fields before the dataclass would raise a bare TypeError."""
        valid = cls.field_names()
        for name in values:
            if name not in valid:
                raise unknown(f"{cls.__name__} field", name, valid)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        """Make an int a float where one is declared, and refuse values of other types."""
        for name, hint in hints(type(self)).items():
            value = getattr(self, name)
            if type(value) is not hint or hint is float:
                object.__setattr__(self, name, fitting(name, hint, value))

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """The declared fields, in order."""
        return tuple(field.name for field in fields(cls))  # type: ignore[arg-type] # a dataclass


def fitting(name: str, hint: Any, value: object) -> Any:
    """A field's value, brought to its declared type.

    Raises:
        SpecError: it has another one.
    """
    try:
        return checked(hint, value)
    except MisfitError as error:
        raise error.named(name) from None


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe(Spec):
    """Everything that decides what a training run computes.

    Fields that exist in `transformers.TrainingArguments` carry its names, meanings and
    defaults. The others:

    Attributes:
        dataset: a data set of the catalog, such as `glue/mrpc`.
        model: a model of the catalog, such as `bert-base-uncased`.
        collation: how examples become a batch: `dynamic`, `max_length`, `group_by_length`,
            `sorted`, `packed`, `padding_free`, `max_tokens:N` or
            `pad_to_multiple_of:N`.
        loop: who drives the steps.
        max_length: truncation length in tokens, special tokens included; the model's limit
            if None.
        max_train_samples: rows kept by `shuffle(seed=subset_seed).select(range(n))`; all if None.
        max_eval_samples: likewise, of the evaluated split.
        subset_seed: seed of both shuffles.
        max_holdout_samples: size of a second sample of the evaluated split, evaluated once
            after training; none if None.
        holdout_seed: seed of that sample's shuffle.
        num_proc: processes that tokenize; in the run's own if None.
        warmup_steps: steps, or the share of all steps when below 1 (as in transformers 5).
        fp16: half precision on an accelerator; a CPU trains in float32.
        remove_unused_columns: by the loop; else they are gone before it sees the examples.
        dataloader_pin_memory: on an accelerator; a CPU has nothing to copy to.
        save_model: finish with `Trainer.save_model`.
        save_state: finish with `Trainer.save_state`.
    """

    dataset: str
    model: str = "bert-base-uncased"
    collation: str = "dynamic"
    loop: str = "trainer"
    max_length: int | None = None
    max_train_samples: int | None = None
    max_eval_samples: int | None = None
    subset_seed: int = 42
    max_holdout_samples: int | None = None
    holdout_seed: int = 64
    num_proc: int | None = None
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

    @property
    def order_seed(self) -> int:
        """The seed of the first epoch's order."""
        return self.seed if self.data_seed is None else self.data_seed

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
    def key(self) -> str:
        """Digest of every field."""
        return digest.of_json(asdict(self))


OUR_FIELDS = frozenset(
    {
        "dataset",
        "model",
        "collation",
        "loop",
        "max_length",
        "max_train_samples",
        "max_eval_samples",
        "subset_seed",
        "max_holdout_samples",
        "holdout_seed",
        "num_proc",
        "save_model",
        "save_state",
    }
)
"""The recipe's fields that `transformers.TrainingArguments` does not have."""


class Matrix:
    """The axes that a suite multiplies its recipe by: `Matrix(model=[…], seed=[1, 2])`."""

    def __init__(self, **axes: Sequence[Value]) -> None:
        """Check every axis: its name is a recipe's field, its values a sequence, not empty.

        Raises:
            SpecError: an axis is unknown, empty, repeats a value or is a bare string.
        """
        for name, values in axes.items():
            if name not in Recipe.field_names():
                raise unknown("Matrix axis", name, Recipe.field_names())
            if isinstance(values, str | bytes) or not isinstance(values, Sequence):
                raise SpecError(
                    f"Matrix axis {name!r} is {values!r}", fix=f"give a list: {name}=[{values!r}]"
                )
            if not values:
                raise SpecError(
                    f"Matrix axis {name!r} is empty, so it would multiply every cell away",
                    fix=f"name at least one value, or leave {name!r} to the recipe",
                )
        hint = hints(Recipe)
        self.axes = {
            name: tuple(fitting(f"Matrix axis {name}", hint[name], value) for value in values)
            for name, values in axes.items()
        }
        for name, values in self.axes.items():
            if len(set(values)) < len(values):
                raise SpecError(f"Matrix axis {name!r} repeats a value: {list(values)}")

    def __repr__(self) -> str:
        """The constructor's call."""
        return f"Matrix({', '.join(f'{name}={list(v)}' for name, v in self.axes.items())})"

    def without(self, names: Iterable[str]) -> "Matrix":
        """The matrix less some axes."""
        dropped = set(names)
        return Matrix(**{name: v for name, v in self.axes.items() if name not in dropped})

    def multiply(self, recipe: Recipe) -> Iterator[tuple[str, Recipe]]:
        """Every recipe of the matrix with its id: model, collation, loop, then other axes."""
        others = [name for name in self.axes if name not in HEADLINE_AXES]
        for values in product(*self.axes.values()):
            chosen: dict[str, Any] = dict(zip(self.axes, values, strict=True))
            cell = replace(recipe, **chosen)
            parts = [str(getattr(cell, name)) for name in HEADLINE_AXES]
            parts += [f"{name}:{_id(chosen[name])}" for name in others]
            yield "-".join(parts), cell


def _id(value: Value) -> str:
    """A value in a cell's id: a whole number as people write it, whatever its type."""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Thresholds(Spec):
    """The least a run must reach, a field left None is not judged; and what it may have at most.

    Attributes:
        accuracy: share of right predictions, 0 to 1.
        f1: F1 as the data set's metric defines it, 0 to 1.
        train_samples_per_second: judged on an accelerator only.
        margin: accuracy that `harness gate` lets another environment lose, 0 to 1.
        overlap: share of the evaluated rows that may be among the training rows, 0 to 1.
        unknown: share of the tokens that the vocabulary may not know, 0 to 1.
    """

    accuracy: float | None = None
    f1: float | None = None
    train_samples_per_second: float | None = None
    margin: float = 0.02
    overlap: float = 0.01
    unknown: float = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One recipe of a matrix at one scale on one device: what a test item is about.

    Attributes:
        name: the id between a test's brackets.
        recipe: what the scale made of the declared recipe.
        scale: `tiny` (embedded stand-ins) or `full` (the real checkpoint and data).
        device: `cpu` or `cuda`.
        changed: fields that the command line or a setting changed against the suite.
    """

    name: str
    recipe: Recipe
    scale: Scale
    device: Device
    changed: tuple[str, ...] = ()

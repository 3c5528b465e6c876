"""What a suite declares beside its recipe: the matrix that multiplies it, and thresholds."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Self

from harness.core.digest import canonical
from harness.core.errors import SpecError, short
from harness.core.recipe import Recipe, check_name, value_types
from harness.core.serial import hints
from harness.core.spec import Spec, fitting
from harness.core.trainer_arguments import ARGUMENTS

Value = str | int | float | bool | Mapping[str, Any] | tuple[str, ...] | None

HEADLINE_AXES = ("model", "collation", "loop")


class Matrix:
    """The axes that a suite multiplies its recipe by: `Matrix(model=[…], seed=[1, 2])`."""

    def __init__(self, **axes: Sequence[Value]) -> None:
        """Check every axis: its name is a recipe's field, its values a sequence, not empty.

        Raises:
            SpecError: an axis is unknown, empty, repeats a value or is a bare string.
        """
        for name, values in axes.items():
            check_name("Matrix axis", name)
            if isinstance(values, str | bytes) or not isinstance(values, Sequence):
                raise SpecError(
                    f"Matrix axis {name!r} is {values!r}", fix=f"give a list: {name}=[{values!r}]"
                )
            if not values:
                raise SpecError(
                    f"Matrix axis {name!r} is empty, so it would multiply every cell away",
                    fix=f"name at least one value, or leave {name!r} to the recipe",
                )
        types = value_types()
        self.axes = {
            name: tuple(_fitting_axis(name, types[name], value) for value in values)
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


def _fitting_axis(name: str, kind: Any, value: object) -> Any:
    """A value of an axis, of its field's type; None says that a further argument is not set."""
    if value is None and name in ARGUMENTS:
        return None
    return fitting(f"Matrix axis {name}", kind, value)


def _id(value: Value) -> str:
    """A value in a cell's id: a whole number as people write it, whatever its type."""
    if isinstance(value, tuple | dict):
        return canonical(value)
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


@dataclass(frozen=True, kw_only=True, slots=True, init=False)
class Thresholds(Spec):
    """What a run must reach, by metric; and what it may have at most.

    `Thresholds(accuracy=0.9, matthews_correlation=0.5)` names metrics of the data set, or `loss`:
    the least of those of which more is better, the most of the others. What is not named is not
    judged.

    Attributes:
        metrics: names of metrics and what they must reach, in the order of the names.
        train_samples_per_second: judged on an accelerator only.
        margin: what `harness gate` and a night let a metric lose, 0 to 1; a share of it where it
            has no upper limit, as an error.
        overlap: share of the evaluated rows that may be among the training rows, 0 to 1.
        unknown: share of the tokens that the vocabulary may not know, 0 to 1.
    """

    metrics: tuple[tuple[str, float], ...] = ()
    train_samples_per_second: float | None = None
    margin: float = 0.02
    overlap: float = 0.01
    unknown: float = 0.02

    def __new__(cls, **_: object) -> Self:
        """Any name may be a metric's: which there are, the data set of a cell says."""
        return object.__new__(cls)

    def __init__(
        self,
        *,
        metrics: Any = (),  # pairs, as the attribute; a call names each metric
        train_samples_per_second: float | None = None,
        margin: float = 0.02,
        overlap: float = 0.01,
        unknown: float = 0.02,
        **thresholds: float | None,
    ) -> None:
        """Declare what is to be reached, by metric; None leaves a metric out.

        Raises:
            SpecError: a value is no number.
        """
        try:
            given = {**{str(name): value for name, value in dict(metrics).items()}, **thresholds}
        except (TypeError, ValueError):
            raise SpecError(
                f"metrics={short(metrics)}", fix="name each metric: Thresholds(accuracy=0.9)"
            ) from None
        reached = {n: fitting(n, float | None, value) for n, value in given.items()}
        kept = sorted((name, value) for name, value in reached.items() if value is not None)
        fixed = {
            "train_samples_per_second": train_samples_per_second,
            "margin": margin,
            "overlap": overlap,
            "unknown": unknown,
        }
        object.__setattr__(self, "metrics", tuple(kept))
        for name, value in fixed.items():
            object.__setattr__(self, name, fitting(name, hints(Thresholds)[name], value))

    @classmethod
    def fixed_names(cls) -> tuple[str, ...]:
        """The fields that are about no metric."""
        return tuple(name for name in cls.field_names() if name != "metrics")

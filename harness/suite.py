"""The class users write: a recipe, a matrix, thresholds. Everything else is inherited."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from harness import accelerator, catalog, validation
from harness.errors import SpecError, unknown
from harness.invariants.agreement import Agreement
from harness.invariants.arguments import Arguments
from harness.invariants.checkpoints import Checkpoints
from harness.invariants.contracts import Contracts
from harness.invariants.cost import Cost
from harness.invariants.counts import Counts
from harness.invariants.eval_pred import EvalPred
from harness.invariants.formulas import Formulas
from harness.invariants.head import Head
from harness.invariants.labels import Labels
from harness.invariants.metrics import Metrics
from harness.invariants.pairs import Pairs
from harness.invariants.repetition import Repetition
from harness.invariants.shapes import Shapes
from harness.invariants.spawn import Spawn
from harness.invariants.thresholds import Thresholds as ThresholdsReached
from harness.invariants.training import Training
from harness.spec import Cell, Device, Matrix, Recipe, Scale, Thresholds


class Suite(
    Labels,
    Shapes,
    Pairs,
    EvalPred,
    Counts,
    Training,
    Metrics,
    Checkpoints,
    Head,
    ThresholdsReached,
    Arguments,
    Spawn,
    Agreement,
    Formulas,
    Repetition,
    Cost,
    Contracts,
):
    """A recipe, the axes that multiply it, and what its runs must reach.

    Attributes:
        recipe: what to train; the one attribute that every suite must declare.
        matrix: axes; none by default.
        thresholds: the least that a run must reach; nothing by default.
        opt_out: inherited invariants that do not apply, each with the reason why.
    """

    recipe: ClassVar[Recipe]
    matrix: ClassVar[Matrix] = Matrix()
    thresholds: ClassVar[Thresholds] = Thresholds()
    opt_out: ClassVar[Mapping[str, str]] = {}


DECLARATIONS: Mapping[str, type] = {
    "recipe": Recipe,
    "matrix": Matrix,
    "thresholds": Thresholds,
    "opt_out": Mapping,
}
_ALLOWED = {"pytestmark"}


def invariants() -> set[str]:
    """Names of the inherited tests."""
    return {name for name in dir(Suite) if name.startswith("test_")}


def check(suite: type[Suite]) -> None:
    """Refuse a suite that does not say what its author meant.

    Raises:
        SpecError: a misspelt or mistyped attribute, a missing recipe, an inherited invariant
            that is replaced, an opt-out without a reason, or a suite of a suite.
    """
    if Suite not in suite.__bases__:
        parent = suite.__bases__[0].__name__
        raise SpecError(
            f"{suite.__name__} inherits from {parent}",
            why="one class is one suite, so that its tests can be read off it",
            fix=f"inherit from Suite, and give {suite.__name__} a recipe of its own",
        )
    for name, value in vars(suite).items():
        _check_attribute(suite.__name__, name, value)
    if not hasattr(suite, "recipe"):
        raise SpecError(
            f"{suite.__name__} has no recipe", fix="add recipe = Recipe(dataset=…, model=…)"
        )
    for name, reason in suite.opt_out.items():
        if name not in invariants():
            raise unknown(f"invariant in {suite.__name__}.opt_out", name, sorted(invariants()))
        if not str(reason or "").strip():
            raise SpecError(
                f"{suite.__name__}.opt_out[{name!r}] gives no reason", fix="write why in words"
            )


def _check_attribute(suite: str, name: str, value: object) -> None:
    """Refuse one attribute of a suite's body that would be silently ignored, or worse."""
    if name.startswith("_") or name in _ALLOWED:
        return
    if name in invariants():
        raise SpecError(
            f"{suite}.{name} replaces an inherited invariant",
            why="it would pass or vanish without a word",
            fix=f"opt out with opt_out = {{{name!r}: 'why'}}, and name your own test otherwise",
        )
    if name in DECLARATIONS:
        if not isinstance(value, DECLARATIONS[name]):
            wanted = DECLARATIONS[name].__name__
            raise SpecError(f"{suite}.{name} is a {type(value).__name__}", fix=f"give a {wanted}")
        return
    if callable(value) or isinstance(value, staticmethod | classmethod | property):
        return
    raise unknown(f"attribute of {suite}", name, DECLARATIONS)


def cells(
    suite: type[Suite],
    scales: Iterable[Scale],
    overrides: Mapping[str, Any],
    device: str | None,
) -> Iterator[Cell]:
    """Every cell of a suite at the given scales.

    Overrides are literal: a scale changes what the suite declares, not what the user typed.

    Raises:
        SpecError: a recipe of the matrix makes no sense.
    """
    matrix = suite.matrix.without(overrides)
    base = validation.apply_overrides(suite.recipe, overrides)
    changed = tuple(sorted(set(overrides) & set(Recipe.field_names())))
    for scale in scales:
        for name, recipe in matrix.multiply(base):
            validation.check(recipe)
            scaled = recipe
            if scale == "tiny":
                scaled = validation.apply_overrides(catalog.tiny(recipe), overrides)
            yield Cell(
                name=name if scale == "tiny" else f"{name}-{scale}",
                recipe=scaled,
                scale=scale,
                device=_device(device, scale),
                changed=changed,
            )


def effective_thresholds(
    suite: type[Suite], cell: Cell, overrides: Mapping[str, Any]
) -> Thresholds | None:
    """What the cell must reach; None if the session changed the recipe and named no threshold."""
    named = {n: v for n, v in overrides.items() if n in Thresholds.field_names()}
    if named:
        return replace(Thresholds(), **named)
    return None if cell.changed else suite.thresholds


def _device(asked: str | None, scale: Scale) -> Device:
    """The device that a cell trains on."""
    if asked in {"cpu", "cuda"}:
        return "cuda" if asked == "cuda" else "cpu"
    if asked == "auto":
        return "cuda" if accelerator.describe() else "cpu"
    return "cuda" if scale == "full" else "cpu"

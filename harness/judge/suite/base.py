"""The class users write: a recipe, a matrix, thresholds. Everything else is inherited."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from harness.core import nvml
from harness.core.errors import SpecError, kind_named, unknown
from harness.core.recipe import LENGTHS, SCALES, Device, Lengths, Recipe, Scale, value_types
from harness.judge import catalog
from harness.judge.cell import Cell
from harness.judge.declarations import Matrix, Thresholds
from harness.judge.invariants.adaptation import Adaptation
from harness.judge.invariants.agreement import Agreement
from harness.judge.invariants.arguments import Arguments
from harness.judge.invariants.checkpoints import Checkpoints
from harness.judge.invariants.contracts import Contracts
from harness.judge.invariants.cost import Cost
from harness.judge.invariants.counts import Counts
from harness.judge.invariants.eval_pred import EvalPred
from harness.judge.invariants.formulas import Formulas
from harness.judge.invariants.head import Head
from harness.judge.invariants.labels import Labels
from harness.judge.invariants.metrics import Metrics
from harness.judge.invariants.pairs import Pairs
from harness.judge.invariants.regression import Regression
from harness.judge.invariants.repetition import Repetition
from harness.judge.invariants.shapes import Shapes
from harness.judge.invariants.spawn import Spawn
from harness.judge.invariants.speed import Speed
from harness.judge.invariants.splits import Splits
from harness.judge.invariants.thresholds import ThresholdsReached
from harness.judge.invariants.training import Training
from harness.judge.suite import locating, validation


class SuiteDeclaration:
    """A recipe and the axes that multiply it.

    Attributes:
        recipe: what to train; the one attribute that every class must declare.
        matrix: axes; none by default.
        scales: at which it makes sense; both by default.
        opt_out: inherited tests that do not apply, each with the reason why.
        declares: names and types of these.
    """

    recipe: ClassVar[Recipe]
    matrix: ClassVar[Matrix] = Matrix()
    scales: ClassVar[Sequence[Scale]] = SCALES
    opt_out: ClassVar[Mapping[str, str]] = {}
    declares: ClassVar[Mapping[str, type]] = {
        "recipe": Recipe,
        "matrix": Matrix,
        "scales": Sequence,
        "opt_out": Mapping,
    }


class Suite(
    Splits,
    Labels,
    Shapes,
    Pairs,
    EvalPred,
    Counts,
    Training,
    Metrics,
    Checkpoints,
    Head,
    Adaptation,
    ThresholdsReached,
    Arguments,
    Spawn,
    Agreement,
    Formulas,
    Repetition,
    Cost,
    Contracts,
    Regression,
    SuiteDeclaration,
):
    """A recipe, the axes that multiply it, and what its runs must reach.

    Attributes:
        thresholds: the least that a run must reach; nothing by default.
        tiny_thresholds: the same of runs on stand-ins that were made, whose metrics say little of
            the original's; nothing by default.
    """

    thresholds: ClassVar[Thresholds] = Thresholds()
    tiny_thresholds: ClassVar[Thresholds] = Thresholds()
    declares: ClassVar[Mapping[str, type]] = {
        **SuiteDeclaration.declares,
        "thresholds": Thresholds,
        "tiny_thresholds": Thresholds,
    }


class Benchmark(Speed, SuiteDeclaration):
    """A recipe and the collations that are timed on it, side by side.

    Attributes:
        lengths: of the examples: `measured` from the data set, `uniform`, or with `outliers`.
    """

    lengths: ClassVar[Lengths] = "measured"
    declares: ClassVar[Mapping[str, type]] = {**SuiteDeclaration.declares, "lengths": str}


_ALLOWED = {"pytestmark"}


def kind_of(cls: type | None) -> type[SuiteDeclaration] | None:
    """What a test class declares: `Suite`, `Benchmark`, or nothing of ours."""
    ancestors = cls.__mro__ if cls is not None else ()
    return next((kind for kind in ancestors if SuiteDeclaration in kind.__bases__), None)


def invariants(kind: type[SuiteDeclaration] = Suite) -> set[str]:
    """Names of the inherited tests."""
    return {name for name in dir(kind) if name.startswith("test_")}


def check(suite: type[SuiteDeclaration]) -> None:
    """Refuse a suite that does not say what its author meant.

    Raises:
        SpecError: a misspelt or mistyped attribute, a missing recipe, an inherited invariant
            that is replaced, an opt-out without a reason, a threshold out of its range, or a
            suite of a suite.
    """
    with locating.line(suite):
        _check(suite)


def _check(suite: type[SuiteDeclaration]) -> None:
    """Refuse a suite, without saying where it is."""
    kind = kind_of(suite)
    assert kind is not None  # noqa: S101 - who calls has looked
    if kind not in suite.__bases__:
        parent = suite.__bases__[0].__name__
        raise SpecError(
            f"{suite.__name__} inherits from {parent}",
            why="one class is one suite, so that its tests can be read off it",
            fix=f"inherit from {kind.__name__}, and give {suite.__name__} a recipe of its own",
        )
    for name, value in vars(suite).items():
        _check_attribute(kind, suite.__name__, name, value)
    if not hasattr(suite, "recipe"):
        raise SpecError(
            f"{suite.__name__} has no recipe", fix="add recipe = Recipe(dataset=…, model=…)"
        )
    for name, reason in suite.opt_out.items():
        if name not in invariants(kind):
            raise unknown(f"invariant in {suite.__name__}.opt_out", name, sorted(invariants(kind)))
        if not str(reason or "").strip():
            raise SpecError(
                f"{suite.__name__}.opt_out[{name!r}] gives no reason",
                fix="write down why",
            )
    lengths = getattr(suite, "lengths", LENGTHS[0])
    if lengths not in LENGTHS:
        raise unknown(f"{suite.__name__}.lengths", lengths, LENGTHS)
    try:
        validation.check_thresholds(getattr(suite, "thresholds", Thresholds()))
    except SpecError as error:
        raise SpecError(f"{suite.__name__}.thresholds: {error.what}", fix=error.fix) from None


def _check_attribute(kind: type[SuiteDeclaration], suite: str, name: str, value: object) -> None:
    """Refuse one attribute of a suite's body that would be silently ignored, or worse."""
    if name.startswith("_") or name in _ALLOWED:
        return
    if name in invariants(kind):
        raise SpecError(
            f"{suite}.{name} replaces an inherited invariant",
            why="it would pass or vanish without a word",
            fix=f"opt out with opt_out = {{{name!r}: 'why'}}, and name your own test otherwise",
        )
    if name in kind.declares:
        if not isinstance(value, kind.declares[name]):
            wanted = kind.declares[name].__name__
            raise SpecError(f"{suite}.{name} is {kind_named(value)}", fix=f"give a {wanted}")
        return
    if callable(value) or isinstance(value, staticmethod | classmethod | property):
        return
    raise unknown(f"attribute of {suite}", name, kind.declares)


def cells(
    suite: type[SuiteDeclaration],
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
    changed = tuple(sorted(set(overrides) & {*value_types()}))
    root = locating.root(suite)
    for scale in (scale for scale in scales if scale in suite.scales):
        for name, recipe in matrix.multiply(base):
            with locating.line(suite):
                validation.check(recipe)
            scaled = recipe
            if scale == "tiny":
                scaled = validation.apply_overrides(catalog.tiny(recipe), overrides)
            cell = Cell.of(
                name=name if scale == "tiny" else f"{name}-{scale}",
                recipe=scaled,
                scale=scale,
                device=_device(device, scale),
                changed=changed,
                root=root,
            )
            with locating.line(suite):
                _check_metric_names(suite, cell, overrides)
            yield cell


def _check_metric_names(
    suite: type[SuiteDeclaration], cell: Cell, overrides: Mapping[str, Any]
) -> None:
    """Refuse thresholds of metrics that the data set of a cell does not declare."""
    thresholds = effective_thresholds(suite, cell, overrides) if issubclass(suite, Suite) else None
    try:
        validation.check_metric_names(thresholds or Thresholds(), cell.dataset)
    except SpecError as error:
        place = "--harness-set" if _named_thresholds(overrides) else f"{suite.__name__}.thresholds:"
        raise SpecError(f"{place} {error.what}", fix=error.fix) from None


def effective_thresholds(
    suite: type[Suite], cell: Cell, overrides: Mapping[str, Any]
) -> Thresholds | None:
    """What the cell must reach; None if the session changed the recipe and named no threshold."""
    named = _named_thresholds(overrides)
    if named:
        return Thresholds(**named)
    if cell.changed:
        return None
    return suite.tiny_thresholds if cell.is_made else suite.thresholds


def permitted_shares(suite: type[Suite], overrides: Mapping[str, Any]) -> Thresholds:
    """What the data may have at most, whatever the session changed about the recipe."""
    return replace(suite.thresholds, **_named_thresholds(overrides))


def _named_thresholds(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The overrides that are thresholds."""
    return {n: v for n, v in overrides.items() if n not in value_types()}


def _device(setting: str | None, scale: Scale) -> Device:
    """The device that a cell trains on."""
    if setting in {"cpu", "cuda"}:
        return "cuda" if setting == "cuda" else "cpu"
    if setting == "auto":
        return "cuda" if nvml.describe() else "cpu"
    return "cuda" if scale == "full" else "cpu"

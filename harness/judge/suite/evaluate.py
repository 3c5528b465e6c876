"""Evaluation: every inherited invariant, called outside pytest on what a worker left behind."""

import inspect
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from harness.core import serial
from harness.core.recipe import Recipe
from harness.judge import distance
from harness.judge.declarations import Thresholds
from harness.judge.invariants.contracts import DeprecatedArgumentWarning
from harness.judge.invariants.reliance import overridden, unobservable
from harness.judge.suite.base import Suite, invariants

Subject = Literal["run", "trials", "compare_processes"]
SUBJECTS: tuple[Subject, ...] = ("run", "trials", "compare_processes")


@dataclass(frozen=True, kw_only=True, slots=True)
class InvariantResult:
    """The result of one invariant.

    Attributes:
        outcome: `holds`, `fails` or `skips`.
        message: why, in its first line.
        meant: whether it says so itself; else it met an error that it did not foresee.
    """

    outcome: Literal["holds", "fails", "skips"]
    message: str = ""
    meant: bool = True


def subject_of(invariant: str) -> Subject | None:
    """What an invariant judges; None if it also takes what somebody declared or accepted."""
    parameters = inspect.signature(getattr(Suite, invariant)).parameters
    if "declared" in parameters or "tonight" in parameters:
        return None
    return next(subject for subject in SUBJECTS if subject in parameters)


def of(subject: Subject) -> tuple[str, ...]:
    """The invariants that judge a subject, by name."""
    return tuple(sorted(name for name in invariants() if subject_of(name) == subject))


def judge(invariant: str, *judged: Any) -> InvariantResult:
    """The result of one invariant on its subject. An error that it did not mean is a failure too.

    Data may have what they may by default.
    """
    overrides = getattr(judged[0], "overrides", {})
    reason = unobservable(invariant, _recipe_of(judged[0])) or overridden(invariant, overrides)
    if reason:
        return InvariantResult(outcome="skips", message=reason)
    test: Callable[..., None] = getattr(Suite(), invariant)
    if "permitted" in inspect.signature(test).parameters:
        judged = (*judged, Thresholds())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecatedArgumentWarning)
            with distance.judging():
                test(*judged)
    except pytest.skip.Exception as skipped:
        return InvariantResult(outcome="skips", message=str(skipped))
    except Exception as error:  # noqa: BLE001 - a fault may break what an invariant counts on
        lines = str(error).splitlines() or [""]
        return InvariantResult(
            outcome="fails",
            message=f"{type(error).__name__}: {lines[0]}",
            meant=isinstance(error, AssertionError | DeprecatedArgumentWarning),
        )
    return InvariantResult(outcome="holds")


def _recipe_of(subject: Any) -> Recipe:
    """What a record or trials are of; of anything else, a recipe that sets nothing."""
    recipe = getattr(subject, "recipe", {"dataset": ""})
    return recipe if isinstance(recipe, Recipe) else serial.decode(Recipe, recipe)


def judge_all(subject: Subject, *judged: Any) -> Mapping[str, InvariantResult]:
    """The results of all invariants that judge a subject, by name."""
    return {invariant: judge(invariant, *judged) for invariant in of(subject)}

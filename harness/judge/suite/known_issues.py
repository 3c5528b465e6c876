"""Known issues: invariants that a released library breaks, in the versions that do.

Declared in `known_issues.toml`, none without a plain script that shows it without the harness. A
range names the first version and, once there is one, the version that fixed it: until then it is
open, so that the next release turns nobody red for what was known.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from harness.core import collation
from harness.core.dataset import Task
from harness.core.environment import JUDGED
from harness.core.errors import MisfitError, SpecError, short, unknown
from harness.core.recipe import Recipe, check_name, find_loop
from harness.core.record import Record
from harness.core.trial import Trials
from harness.judge import catalog
from harness.judge.distance import Distance, MismatchError
from harness.judge.document import Document
from harness.judge.tolerances import SIZE

ANY = "any"
"""What a figure may be that is off by no fixed factor."""

OURS = Path(__file__).with_name("known_issues.toml")
"""The file of those that we know."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownIssue:
    """One known issue.

    Attributes:
        what: the library does, in a sentence.
        invariants: names of the tests that it fails.
        figures: that these tests find off, each with how many times what it should be the first
            value is that is off, or the least and the most of that, or `any`; whatever they find if
            empty. A `*` in a name stands for anything. Where versions differ in that, they are
            different issues. Any other figure is a failure.
        packages: versions by distribution, as specifiers; all must match.
        loops: in which it shows.
        models: of the catalog, in which it shows; all if empty.
        collations: with which it shows; all if empty.
        tasks: of which it shows; all if empty.
        model_types: of the models' configurations, of which it shows; all if empty.
        divides_loss: of which models it shows: those that divide their loss by the number that
            the Trainer hands them, or those that do not; of all if None. Of no Trainer that
            computes a loss of its own.
        drops: of which models trials show it: those that drop something out, or those that do not;
            of all if None.
        arguments: further arguments by name, each with the values with which it shows; whatever is
            set if empty.
        issue: where it is reported; empty if nowhere yet.
        advice: what users should do.
    """

    what: str
    invariants: tuple[str, ...]
    packages: Mapping[str, str]
    loops: tuple[str, ...]
    figures: Mapping[str, float | str | tuple[float, ...]] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    collations: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()
    model_types: tuple[str, ...] = ()
    divides_loss: bool | None = None
    drops: bool | None = None
    arguments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    issue: str = ""
    advice: str

    def applies(self, invariant: str, recipe: Recipe, versions: Mapping[str, str]) -> bool:
        """Whether a test of a cell is known to fail among these installed versions."""
        return (
            invariant in self.invariants
            and find_loop(recipe.loop).kind in self.loops
            and (not self.models or str(recipe.model) in self.models)
            and (not self.collations or recipe.collation in self.collations)
            and (not self.arguments or self._is_set(recipe.arguments))
            and all(
                _contains(affected, versions.get(canonicalize_name(name)))
                for name, affected in self.packages.items()
            )
        )

    def _is_set(self, arguments: Mapping[str, object]) -> bool:
        """Whether one of some arguments has a value with which it shows."""
        return any(arguments.get(name) in values for name, values in self.arguments.items())

    def is_of(self, judged: Record | Trials) -> bool:
        """Whether it shows of the task and the model that a record or trials are of."""
        model = judged if isinstance(judged, Record) else judged.answers
        own = any("objective" in effects for effects in judged.overrides.values())
        if isinstance(judged, Trials) and self.drops not in {None, bool(judged.answers.dropout)}:
            return False
        return (
            (not self.tasks or judged.task in self.tasks)
            and (not self.model_types or model.model_type in self.model_types)
            and (self.divides_loss is None or (not own and self.divides_loss == model.divides_loss))
        )

    def explains(self, error: AssertionError) -> bool:
        """Whether all that is wrong in a test is this issue."""
        if not self.figures:
            return True
        if not isinstance(error, MismatchError):
            return False
        return all(self._covers(distance) for distance in error.distances.values())

    def _covers(self, distance: Distance) -> bool:
        """Whether a figure is off as this issue says."""
        named = (f for name, f in self.figures.items() if fnmatchcase(distance.figure, name))
        factor = next(named, None)
        if factor is None or isinstance(factor, str):
            return factor is not None
        if isinstance(factor, tuple):
            return min(factor) <= distance.factor <= max(factor)
        return math.isclose(distance.factor, factor, rel_tol=SIZE)

    @property
    def reason(self) -> str:
        """One line for a summary."""
        where = ", ".join(f"{name} {affected}" for name, affected in self.packages.items())
        return f"{self.what} ({where}; {self.issue or 'not reported yet'})"

    @property
    def summary(self) -> str:
        """The reason, and on a second line what to do."""
        return f"{self.reason}\n{self.advice}"


def _contains(affected: str, version: str | None) -> bool:
    """Whether a version, if there is one, is among those affected."""
    return version is not None and SpecifierSet(affected).contains(version, prereleases=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class _File:
    """What the file holds."""

    issue: tuple[KnownIssue, ...] = ()


def load(path: Path, invariants: Collection[str] = ()) -> tuple[KnownIssue, ...]:
    """The known issues that a file declares.

    Args:
        path: of the file.
        invariants: that there are; any will do if none is given.

    Raises:
        SpecError: the file cannot be read, or says something that makes no sense.
    """
    document = Document.read(path, optional=False)
    issues: tuple[KnownIssue, ...] = document.decode(_File).issue
    for index, issue in enumerate(issues):
        try:
            _check_names(issue, invariants)
            _check_figures(issue)
        except MisfitError as error:
            raise document.wrong(error.within("issue", index)) from None
    return issues


def _check_names(issue: KnownIssue, invariants: Collection[str]) -> None:
    """Refuse a name that would let the issue apply nowhere, without a word.

    Raises:
        MisfitError: one is misspelt, or a range of versions is none.
    """
    judged = [canonicalize_name(name) for name in JUDGED]
    checks: tuple[tuple[str, Iterable[str], Callable[[str], object]], ...] = (
        ("invariants", issue.invariants, lambda name: _check_invariant(name, invariants)),
        ("loops", issue.loops, find_loop),
        ("models", issue.models, catalog.model),
        ("collations", issue.collations, collation.parse),
        ("arguments", issue.arguments, lambda name: check_name("argument", name)),
        ("packages", issue.packages, lambda name: _check_package(name, judged)),
    )
    for kind, names, check in checks:
        for name in names:
            try:
                check(name)
            except SpecError as error:
                raise MisfitError(error.what, fix=error.fix, place=(kind,)) from None
    for name, affected in issue.packages.items():
        try:
            SpecifierSet(affected)
        except InvalidSpecifier as error:
            raise MisfitError(str(error), place=("packages", name)) from None


def _check_invariant(name: str, valid: Collection[str]) -> None:
    """Refuse the name of a test that no suite inherits."""
    if valid and name not in valid:
        raise unknown("invariant", name, valid)


def _check_package(name: str, judged: Collection[str]) -> None:
    """Refuse a name that is nearly that of a package that is judged."""
    name = canonicalize_name(name)
    if name not in judged and get_close_matches(name, judged, cutoff=0.8):
        raise unknown("package", name, judged)


def _check_figures(issue: KnownIssue) -> None:
    """Refuse a figure that is off by no factor, and not by any either."""
    for name, factor in issue.figures.items():
        if isinstance(factor, str) and factor != ANY:
            raise MisfitError(
                f"{short(factor)} is no factor",
                fix=f"give the number of times it is what it should be, or {ANY!r}",
                place=("figures", name),
            )
        if isinstance(factor, tuple) and len(factor) != 2:  # noqa: PLR2004 - as it says
            raise MisfitError(
                f"{list(factor)} is no range",
                fix="give the least and the most",
                place=("figures", name),
            )

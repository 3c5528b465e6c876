"""Known issues: invariants that a released library breaks, in the versions that do.

Declared in `deviations.toml`, none without a plain script that shows it without the harness. A
range names the first version and, once there is one, the version that fixed it: until then it is
open, so that the next release turns nobody red for what was known.
"""

import math
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from harness import catalog, collation, loops, serial
from harness.distance import Distance, MismatchError
from harness.environment import JUDGED
from harness.errors import SpecError, unknown
from harness.spec import Recipe
from harness.tolerance import SIZE

ANY = "any"
"""What a figure may be that is off by no fixed factor."""

OURS = Path(__file__).with_name("deviations.toml")
"""What we have found."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deviation:
    """One known issue.

    Attributes:
        what: the library does, in a sentence.
        invariants: names of the tests that it fails.
        figures: that these tests find off, each with how many times what it should be the first
            value is that is off, or `any`; whatever they find if empty. Where versions differ in
            that, they are different issues. Any other figure is a failure.
        packages: versions by distribution, as specifiers; all must match.
        loops: in which it shows.
        models: of the catalog, in which it shows; all if empty.
        collations: with which it shows; all if empty.
        issue: where it is reported; empty if nowhere yet.
        advice: what users should do.
    """

    what: str
    invariants: tuple[str, ...]
    packages: Mapping[str, str]
    loops: tuple[str, ...]
    figures: Mapping[str, float | str] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    collations: tuple[str, ...] = ()
    issue: str = ""
    advice: str

    def applies(self, invariant: str, recipe: Recipe, versions: Mapping[str, str]) -> bool:
        """Whether a test of a cell is known to fail among these installed versions."""
        return (
            invariant in self.invariants
            and recipe.loop in self.loops
            and (not self.models or recipe.model in self.models)
            and (not self.collations or recipe.collation in self.collations)
            and all(
                _contains(affected, versions.get(canonicalize_name(name)))
                for name, affected in self.packages.items()
            )
        )

    def explains(self, error: AssertionError) -> bool:
        """Whether all that a test found wrong is this issue."""
        if not self.figures:
            return True
        if not isinstance(error, MismatchError) or error.besides:
            return False
        return all(self._covers(distance) for distance in error.distances.values())

    def _covers(self, distance: Distance) -> bool:
        """Whether a figure is off as this issue says."""
        factor = self.figures.get(distance.figure)
        if isinstance(factor, str):
            return True
        return factor is not None and math.isclose(distance.factor, factor, rel_tol=SIZE)

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


def load(path: Path, invariants: Collection[str] = ()) -> tuple[Deviation, ...]:
    """The known issues that a file declares.

    Args:
        path: of the file.
        invariants: that there are; any will do if none is given.

    Raises:
        SpecError: the file cannot be read, or says something that makes no sense.
    """
    try:
        declared = tomllib.loads(path.read_text(encoding="utf-8")).get("deviation", [])
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SpecError(f"the known issues {path} cannot be read", why=str(error)) from None
    if not isinstance(declared, list):
        raise SpecError(f"the known issues {path} make no sense", fix="write [[deviation]] tables")
    issues = []
    for index, values in enumerate(declared, 1):
        where = f"deviation {index} of {path}"
        issues.append(_decoded(values, where))
        _check_figures(issues[-1], where)
        _check_names(issues[-1], where, invariants)
    return tuple(issues)


def _decoded(values: Mapping[str, object], where: str) -> Deviation:
    """One declared issue."""
    known = Deviation.__dataclass_fields__
    for name in values:
        if name not in known:
            raise unknown(f"field of {where}", name, known)
    try:
        issue: Deviation = serial.decode(Deviation, values)
        for affected in issue.packages.values():
            SpecifierSet(affected)
    except (TypeError, AttributeError, InvalidSpecifier) as error:
        raise SpecError(f"{where} makes no sense", why=str(error)) from None
    return issue


def _check_figures(issue: Deviation, where: str) -> None:
    """Refuse a figure that is off by no factor, and not by any either."""
    for name, factor in issue.figures.items():
        if factor != ANY and not isinstance(factor, int | float):
            raise SpecError(
                f"{where} makes no sense",
                why=f"{name} = {factor!r} is no factor",
                fix=f"give the number of times it is what it should be, or {ANY!r}",
            )


def _check_names(issue: Deviation, where: str, invariants: Collection[str]) -> None:
    """Refuse a name that would let the issue apply nowhere, without a word."""
    for name in issue.invariants:
        if invariants and name not in invariants:
            raise unknown(f"invariant of {where}", name, invariants)
    try:
        for name in issue.loops:
            loops.check(name)
        for name in issue.models:
            catalog.model(name)
        for name in issue.collations:
            collation.parse(name)
    except SpecError as error:
        raise SpecError(f"{where} makes no sense", why=error.what, fix=error.fix) from None
    judged = [canonicalize_name(name) for name in JUDGED]
    for name in map(canonicalize_name, issue.packages):
        if name not in judged and get_close_matches(name, judged, cutoff=0.8):
            raise unknown(f"package of {where}", name, judged)

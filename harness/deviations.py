"""Known deviations: invariants that a released library breaks, in the versions that do.

Declared in `deviations.toml`, none without a plain script that shows it without the harness. Where
one applies, its tests are *strict* expected failures: a version outside the range, or a library
that was repaired, turns them red.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from harness import serial
from harness.errors import SpecError, unknown
from harness.loops import NAMES as LOOPS
from harness.spec import Recipe

OURS = Path(__file__).with_name("deviations.toml")
"""What we have found."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deviation:
    """One known deviation.

    Attributes:
        what: the library does, in a sentence.
        invariants: names of the tests that it fails.
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
                name in versions
                and SpecifierSet(allowed).contains(versions[name], prereleases=True)
                for name, allowed in self.packages.items()
            )
        )

    @property
    def reason(self) -> str:
        """One line for a summary."""
        where = ", ".join(f"{name} {allowed}" for name, allowed in self.packages.items())
        return f"{self.what} ({where}; {self.issue or 'not reported yet'})"

    @property
    def summary(self) -> str:
        """The reason, and on a second line what to do."""
        return f"{self.reason}\n{self.advice}"


def load(path: Path) -> tuple[Deviation, ...]:
    """The deviations that a file declares.

    Raises:
        SpecError: the file cannot be read, or says something that makes no sense.
    """
    try:
        declared = tomllib.loads(path.read_text(encoding="utf-8")).get("deviation", [])
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SpecError(f"the deviations {path} cannot be read", why=str(error)) from None
    if not isinstance(declared, list):
        raise SpecError(f"the deviations {path} make no sense", fix="write [[deviation]] tables")
    return tuple(
        _checked(values, f"deviation {i} of {path}") for i, values in enumerate(declared, 1)
    )


def _checked(values: Mapping[str, object], where: str) -> Deviation:
    """One declared deviation."""
    known = Deviation.__dataclass_fields__
    for name in values:
        if name not in known:
            raise unknown(f"field of {where}", name, known)
    try:
        found: Deviation = serial.decode(Deviation, values)
        for allowed in found.packages.values():
            SpecifierSet(allowed)
    except (TypeError, AttributeError, InvalidSpecifier) as error:
        raise SpecError(f"{where} makes no sense", why=str(error)) from None
    for loop in found.loops:
        if loop not in LOOPS:
            raise unknown(f"loop of {where}", loop, LOOPS)
    return found

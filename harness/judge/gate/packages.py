"""Changes: the packages that differ between two environments, and which of them the user named."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.utils import canonicalize_name

from harness.core.errors import SpecError, unknown
from harness.judge.venvs.build import OURS

CORE = ("accelerate", "datasets", "numpy", "tokenizers", "torch", "transformers")
"""Packages that decide what training computes: one that nobody wanted changed is in the verdict."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A package whose version or files differ.

    Attributes:
        package: its name.
        before: version in the base, empty if it is not there.
        after: and in the candidate.
        requested: whether the user named it; else the resolution dragged it along.
    """

    package: str
    before: str
    after: str
    requested: bool

    @property
    def versions(self) -> str:
        """Both versions."""
        text = f"{self.package}: {self.before or 'none'} -> {self.after or 'none'}"
        local, after = (version.partition("+")[2] for version in (self.before, self.after))
        return f"{text} (no longer +{local})" if local and self.after and local != after else text

    @property
    def description(self) -> str:
        """The same, with why."""
        return self.versions + ("" if self.requested else "  (dragged along)")


def between(
    base: Mapping[str, Any], candidate: Mapping[str, Any], requested: Iterable[str]
) -> tuple[Change, ...]:
    """Packages that differ between two descriptions of environments, those named first.

    Args:
        base: see `harness.core.environment.describe`.
        candidate: likewise.
        requested: the packages that the user named; all that differ, if none.

    Raises:
        SpecError: none does.
    """
    named = set(requested)
    ours, theirs = base["packages"], candidate["packages"]
    changes = [
        Change(
            package=name,
            before=ours.get(name, ""),
            after=theirs.get(name, ""),
            requested=not named or name in named,
        )
        for name in sorted((ours.keys() | theirs.keys()) - {OURS, "pip"})
        if ours.get(name) != theirs.get(name)
    ]
    moved = {change.package for change in changes}
    edited = {
        name: (canonicalize_name(name), ours.get(canonicalize_name(name), ""))
        for name in base["files"].keys() | candidate["files"].keys()
        if base["files"].get(name) != candidate["files"].get(name)
    }
    changes += [
        Change(package=name, before=version, after=f"{version} with other files", requested=True)
        for name, version in sorted(edited.values())
        if name not in moved
    ]
    if base["python"] != candidate["python"]:
        changes.append(
            Change(
                package="python", before=base["python"], after=candidate["python"], requested=True
            )
        )
    if not changes:
        raise SpecError(
            "the two sides are the same",
            why="every package that is installed has the same version and the same files",
            fix="ask for another version, or name another interpreter",
        )
    return tuple(sorted(changes, key=lambda change: not change.requested))


def of_pins(
    installed: Mapping[str, str], pins: Sequence[str], named: Collection[str]
) -> Iterator[Change]:
    """What an environment of exact pins changes of another.

    Args:
        installed: versions there, by package.
        pins: of everything in the new one.
        named: packages that the user named.
    """
    for package, before in installed.items():
        after = versions(pins).get(package, before)
        if after != before:
            yield Change(package=package, before=before, after=after, requested=package in named)


def versions(pins: Iterable[str]) -> dict[str, str]:
    """The version of every package in pins that names one."""
    return {pin.partition("==")[0]: pin.partition("==")[2] for pin in pins if "==" in pin}


def dragged(changes: Iterable[Change], allowed: Sequence[str]) -> list[Change]:
    """Changes of core packages that nobody named and nobody allows.

    Raises:
        SpecError: something is allowed that is no core package.
    """
    for name in allowed:
        if canonicalize_name(name) not in CORE:
            raise unknown("--allow-dragged package", name, CORE)
    kept = {canonicalize_name(name) for name in allowed}
    return [c for c in changes if not c.requested and c.package in CORE and c.package not in kept]

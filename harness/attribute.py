"""Attribution: which of the changed packages did it, and since which of its releases.

First the set of changes is cut down to the smallest that still fails (Zeller and Hildebrandt 2002,
"Simplifying and isolating failure-inducing input"), where a set that cannot be resolved says
nothing; then the releases of each culprit are bisected. Every probe is an environment of its own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.changes import Change
from harness.environments import Environments
from harness.errors import InterpreterError, ResolutionError, SpecError

Fails = Callable[[Path], bool]
Say = Callable[[str], None]
Versions = Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Culprit:
    """A package, and the releases between which it began to fail.

    Attributes:
        package: its name.
        good: the last release that does not fail.
        bad: the first that does.
        between: releases between those two that could not be tried.
        along: pins that the first bad release brought along, against the last good one.
        alone: whether it was tried while its companions stayed in the base, as far as they can.
    """

    package: str
    good: str
    bad: str
    between: tuple[str, ...] = ()
    along: tuple[str, ...] = ()
    alone: bool = False

    @property
    def words(self) -> str:
        """For a reviewer."""
        if self.between:
            return (
                f"{self.package} between {self.good} (good) and {self.bad} (bad); "
                f"{len(self.between)} releases between them cannot be tested here"
            )
        told = f"{self.package} {self.bad}; the last good release is {self.good}"
        return f"{told}; {' '.join(self.along)} came along" if self.along else told


@dataclass(slots=True)
class Attributor:
    """Tries environments between a base and a candidate.

    Attributes:
        environments: makes them.
        base: interpreter of the base.
        fails: whether an interpreter shows the findings; an `InterpreterError` says that it
            cannot be tested.
        say: called with each probe.
        tried: environments that were tried.
    """

    environments: Environments
    base: Path
    fails: Fails
    say: Say
    tried: int = 0
    _known: dict[tuple[str, ...], bool | None] = field(default_factory=dict)
    _pins: dict[tuple[str, ...], tuple[str, ...] | None] = field(default_factory=dict)

    def attribute(self, changes: Sequence[Change]) -> Iterator[Culprit]:
        """The culprits as they are found, each with its first bad release.

        Releases that were asked for are tried alone first, which drag along what they need; those
        that were dragged along are only tried where the former explain nothing.

        Raises:
            SpecError: releases cannot explain it: the base fails too, all changes together do not
                fail again, or only files were edited.
        """
        moved = {c.package: c for c in changes if c.before and c.after and " " not in c.after}
        moved.pop("python", None)  # which is no package
        before = {name: change.before for name, change in moved.items()}
        after = {name: change.after for name, change in moved.items()}
        if not moved:
            raise SpecError("no package has another release, so no release can be blamed")
        wanted = {name: change.after for name, change in moved.items() if change.asked}
        alone = len(wanted) < len(moved) and bool(wanted) and self._probe(wanted) is True
        if alone:
            after = wanted
            before = {name: before[name] for name in wanted}
        elif self._probe(after) is not True:
            raise SpecError(
                "the changed releases together do not fail",
                why=", ".join(f"{name}=={version}" for name, version in after.items()),
                fix="what fails may be an edited file, or another interpreter",
            )
        if self._probe(before) is not False:
            raise SpecError("the base fails too when it is made anew from its releases")
        guilty = sorted(self._smallest(before, after), key=lambda name: not moved[name].asked)
        for name in guilty:
            others = {other: after[other] for other in guilty if other != name}
            culprit = self._bisect(name, before, others, after[name])
            yield culprit
            if culprit.alone:
                return

    def _probe(self, versions: Versions) -> bool | None:
        """Whether an environment with these releases fails; None if that cannot be tested.

        What they leave open stays as it is in the base wherever it can.
        """
        pins = self._resolved(versions)
        if pins is None:
            return None
        if pins not in self._known:
            self.tried += 1
            told = " ".join(f"{name}=={version}" for name, version in versions.items())
            try:
                self._known[pins] = self.fails(self.environments.make(self.base, pins))
            except (ResolutionError, InterpreterError) as error:
                self._known[pins] = None
                self.say(f"cannot be tested: {told}: {(error.why or error.what).splitlines()[-1]}")
            else:
                self.say(f"{'bad ' if self._known[pins] else 'good'} {told}")
        return self._known[pins]

    def _resolved(self, versions: Versions) -> tuple[str, ...] | None:
        """Pins of an environment with these releases; None if they cannot be together."""
        asked = tuple(f"{name}=={version}" for name, version in sorted(versions.items()))
        if asked not in self._pins:
            try:
                self._pins[asked] = self.environments.resolve(self.base, asked)
            except ResolutionError:
                self._pins[asked] = None
        return self._pins[asked]

    def _smallest(self, before: Versions, after: Versions) -> list[str]:
        """The smallest set of packages found whose changes alone fail; all others as before."""
        guilty = list(after)
        parts = 2
        while len(guilty) > 1:
            size = -(-len(guilty) // parts)
            chunks = [guilty[start : start + size] for start in range(0, len(guilty), size)]
            rests = [[n for n in guilty if n not in chunk] for chunk in chunks]
            tries = [*chunks, *(rests if len(chunks) > 2 else [])]  # noqa: PLR2004 - of two, each is the other's rest
            failing = next((t for t in tries if self._probe(_mixed(before, after, t))), None)
            if failing is not None:
                guilty, parts = failing, 2
            elif parts >= len(guilty):
                break
            else:
                parts = min(len(guilty), 2 * parts)
        return guilty

    def _bisect(self, name: str, before: Versions, others: Versions, last: str) -> Culprit:
        """The first bad release of a culprit, the other culprits as in the candidate if they can.

        Where another release of it wants other releases of those, the resolver chooses.
        """
        releases = self.environments.releases(name, before[name], last)
        low, high = 0, len(releases) - 1
        unknown: set[int] = set()

        def settled(index: int) -> Versions:
            with_others = {**others, name: releases[index]}
            return with_others if self._resolved(with_others) else {name: releases[index]}

        while left := [index for index in range(low + 1, high) if index not in unknown]:
            middle = min(left, key=lambda index: abs(index - (low + high) / 2))
            failed = self._probe(settled(middle))
            if failed is None:
                unknown.add(middle)
            elif failed:
                high = middle
            else:
                low = middle
        good, bad = (set(self._resolved(settled(index)) or ()) for index in (low, high))
        return Culprit(
            package=name,
            good=releases[low],
            bad=releases[high],
            between=tuple(releases[low + 1 : high]),
            along=tuple(sorted(pin for pin in bad - good if pin.partition("==")[0] != name)),
            alone=settled(high).keys() == {name} and bool(others),
        )


def _mixed(before: Versions, after: Versions, changed: Sequence[str]) -> dict[str, str]:
    """Releases of the candidate for some packages, of the base for the rest."""
    return {name: (after if name in changed else before)[name] for name in after}

"""Bisection: which of the changed packages did it, and since which of its releases.

Each regression is judged apart. First the set of changes is cut down to the smallest that still
fails (Zeller and Hildebrandt 2002, "Simplifying and isolating failure-inducing input"), where a set
that cannot be resolved says nothing; then the releases of each culprit are bisected. Regressions
that come and go between the same two environments as that one have the same culprits, and need no
search of their own.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.core.errors import HarnessError, SpecError
from harness.judge.finding import STAGES, Finding
from harness.judge.gate.candidates import Candidates, Versions
from harness.judge.gate.packages import Change


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
    def description(self) -> str:
        """For a reviewer."""
        if self.between:
            return (
                f"{self.package} between {self.good} (good) and {self.bad} (bad); "
                f"{len(self.between)} releases between them cannot be tested here"
            )
        text = f"{self.package} {self.bad}; the last good release is {self.good}"
        return f"{text}; {' '.join(self.along)} came along" if self.along else text


@dataclass(frozen=True, kw_only=True, slots=True)
class Attribution:
    """Regressions that the same releases brought about.

    Attributes:
        culprits: packages that did it, of which none does it without the others.
        reason: why there is none, or none any further; else empty.
        findings: that regressed.
    """

    culprits: tuple[Culprit, ...]
    reason: str
    findings: tuple[Finding, ...]

    @property
    def description(self) -> str:
        """For a reviewer."""
        named = " together with ".join(culprit.description for culprit in self.culprits)
        if not self.reason:
            return named
        return f"{named}; not attributed any further: {self.reason}" if named else self.reason


@dataclass(frozen=True, kw_only=True, slots=True)
class _Edge:
    """Where a regression begins: a culprit, and the environments on both sides."""

    culprit: Culprit
    good: Versions
    bad: Versions


def attribute(
    candidates: Candidates, changes: Iterable[Change], regressions: Sequence[Finding]
) -> Iterator[Attribution]:
    """Attributions one by one, each with every regression that it explains.

    Those of the cell that shows most come first, the sharpest of them before all others.
    """
    moved = {c.package: c for c in changes if c.before and c.after and " " not in c.after}
    moved.pop("python", None)  # which is no package
    counts = Counter(finding.cell for finding in regressions)
    left = sorted(regressions, key=lambda f: (STAGES.index(f.stage), -counts[f.cell], f.cell))
    while left:
        first = left[0]
        companions = [f for f in left if (f.stage, f.cell) == (first.stage, first.cell)]
        search = _Search(candidates, first, companions)
        try:
            search.run(moved)
        except HarnessError as error:
            explained, reason = [first], error.text
        else:
            explained, reason = [first, *_alike(candidates, search.edges, left[1:])], ""
        culprits = tuple(edge.culprit for edge in search.edges)
        yield Attribution(culprits=culprits, reason=reason, findings=tuple(explained))
        left = [finding for finding in left if finding not in explained]


def grouped(attributions: Iterable[Attribution]) -> tuple[Attribution, ...]:
    """The same, those alike in culprits and reason as one."""
    findings: dict[tuple[tuple[Culprit, ...], str], tuple[Finding, ...]] = {}
    for each in attributions:
        key = each.culprits, each.reason
        findings[key] = findings.get(key, ()) + each.findings
    return tuple(
        Attribution(culprits=culprits, reason=reason, findings=together)
        for (culprits, reason), together in findings.items()
    )


def _alike(
    candidates: Candidates, edges: Sequence[_Edge], regressions: Sequence[Finding]
) -> list[Finding]:
    """Regressions that show on the bad side of every edge, and not on its good side."""
    alike = list(regressions)
    for edge in edges:
        for versions, shows in ((edge.bad, True), (edge.good, False)):
            shown = candidates.shown(versions, alike) if alike else {}
            alike = [finding for finding in alike if shown[finding] is shows]
    return alike


@dataclass(slots=True)
class _Search:
    """Looks for the culprits of one regression.

    Attributes:
        candidates: that can be tried.
        regression: to be explained.
        companions: regressions that are judged at the same cost, itself among them.
        edges: so far.
    """

    candidates: Candidates
    regression: Finding
    companions: Sequence[Finding]
    edges: list[_Edge] = field(default_factory=list)

    def run(self, moved: Mapping[str, Change]) -> None:
        """Find them all.

        Releases that the user named are tried alone first, which drag along what they need; those
        that were dragged along are only tried where the former explain nothing.

        Args:
            moved: changes of releases, by package.

        Raises:
            SpecError: releases cannot explain it: the base fails too, all changes together do not
                fail again, or only files were edited.
        """
        before = {name: change.before for name, change in moved.items()}
        after = {name: change.after for name, change in moved.items()}
        if not moved:
            raise SpecError("no package has another release, so no release can be blamed")
        wanted = {name: change.after for name, change in moved.items() if change.requested}
        if len(wanted) < len(moved) and bool(wanted) and self._fails(wanted) is True:
            after = wanted
            before = {name: before[name] for name in wanted}
        elif self._fails(after) is not True:
            raise SpecError(
                "the changed releases together do not fail",
                why=", ".join(f"{name}=={version}" for name, version in after.items()),
                fix="what fails may be an edited file, or another interpreter",
            )
        if self._fails(before) is not False:
            raise SpecError("the base fails too when it is made anew from its releases")
        guilty = sorted(self._smallest(before, after), key=lambda name: not moved[name].requested)
        for name in guilty:
            others = {other: after[other] for other in guilty if other != name}
            self.edges.append(self._bisect(name, before, others, after[name]))
            if self.edges[-1].culprit.alone:
                return

    def _fails(self, versions: Versions) -> bool | None:
        """Whether the regression shows with these releases; None if that cannot be tested."""
        return self.candidates.shown(versions, self.companions)[self.regression]

    def _smallest(self, before: Versions, after: Versions) -> list[str]:
        """The smallest set of packages whose changes alone fail; all others as before."""
        guilty = list(after)
        parts = 2
        while len(guilty) > 1:
            size = -(-len(guilty) // parts)
            chunks = [guilty[start : start + size] for start in range(0, len(guilty), size)]
            rests = [[n for n in guilty if n not in chunk] for chunk in chunks]
            tries = [*chunks, *(rests if len(chunks) > 2 else [])]  # noqa: PLR2004 - of two, each is the other's rest
            failing = next((t for t in tries if self._fails(_mixed(before, after, t))), None)
            if failing is not None:
                guilty, parts = failing, 2
            elif parts >= len(guilty):
                break
            else:
                parts = min(len(guilty), 2 * parts)
        return guilty

    def _bisect(self, name: str, before: Versions, others: Versions, last: str) -> _Edge:
        """The first bad release of a culprit, the other culprits as in the candidate if they can.

        Where another release of it wants other releases of those, the resolver chooses.
        """
        releases = self.candidates.environments.releases(name, before[name], last)
        low, high = 0, len(releases) - 1
        unknown: set[int] = set()

        def settled(index: int) -> Versions:
            with_others = {**others, name: releases[index]}
            return with_others if self.candidates.pins(with_others) else {name: releases[index]}

        while left := [index for index in range(low + 1, high) if index not in unknown]:
            middle = min(left, key=lambda index: abs(index - (low + high) / 2))
            failed = self._fails(settled(middle))
            if failed is None:
                unknown.add(middle)
            elif failed:
                high = middle
            else:
                low = middle
        sides = settled(low), settled(high)
        good, bad = (set(self.candidates.pins(side) or ()) for side in sides)
        culprit = Culprit(
            package=name,
            good=releases[low],
            bad=releases[high],
            between=tuple(releases[low + 1 : high]),
            along=tuple(sorted(pin for pin in bad - good if pin.partition("==")[0] != name)),
            alone=sides[1].keys() == {name} and bool(others),
        )
        return _Edge(culprit=culprit, good=sides[0], bad=sides[1])


def _mixed(before: Versions, after: Versions, changed: Sequence[str]) -> dict[str, str]:
    """Releases of the candidate for some packages, of the base for the rest."""
    return {name: (after if name in changed else before)[name] for name in after}

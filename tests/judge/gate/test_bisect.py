"""Attribution: the smallest set that fails and its first bad release, on made-up releases."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import pytest

from harness.core.errors import InterpreterError, ResolutionError
from harness.judge.finding import Finding
from harness.judge.gate import bisect as attributing
from harness.judge.gate.bisect import Culprit
from harness.judge.gate.candidates import Candidates
from harness.judge.gate.packages import Change
from harness.judge.venvs.build import Environments

BASE = {"a": "1", "b": "1", "c": "1"}
LAST = 9


class Shelf(Environments):
    """Environments that are only pins: three packages with releases 1 to 9."""

    possible: Callable[[dict[str, int]], bool] = staticmethod(lambda _: True)

    def resolve(self, base: Path, changes: Sequence[str]) -> tuple[str, ...]:
        """The changes, the rest as in the base; what cannot be moves c to where a is."""
        del base  # the same for every side
        moved = dict(change.split("==") for change in changes)
        versions = {name: int(version) for name, version in (BASE | moved).items()}
        if not type(self).possible(versions):
            if "c" in moved:
                raise ResolutionError("not together")
            versions["c"] = versions["a"]
        return tuple(f"{name}=={version}" for name, version in versions.items())

    def make(self, base: Path, pins: Sequence[str], named: Collection[str] = ()) -> Path:
        """A path that says what is installed."""
        del named  # nothing here was edited
        return base / ",".join(pins)

    def releases(self, name: str, first: str, last: str) -> list[str]:
        """Every release."""
        assert name in BASE
        return [str(release) for release in range(int(first), int(last) + 1)]


CHANGES = [
    Change(package=name, before="1", after=str(LAST), requested=name == "a") for name in BASE
]
"""Of all three packages; the user named a."""


def regression(name: str, cell: str = "TestSmall/a") -> Finding:
    """A test of a cell that fails in the candidate alone."""
    return Finding(stage="invariants", cell=cell, name=name, standing="regressed")


ONE = regression("test_x")

Bad = Callable[[dict[str, int]], bool | None]


def candidates(
    tmp_path: Path, bad: Mapping[Finding, Bad], shelf: type[Shelf] = Shelf
) -> Candidates:
    """Environments, each regression of which shows where it is `bad`."""

    def judge(python: Path, regressions: Sequence[Finding]) -> Mapping[Finding, bool | None]:
        installed = {k: int(v) for k, v in (p.split("==") for p in python.name.split(","))}
        return {finding: bad[finding](installed) for finding in regressions}

    return Candidates(
        environments=shelf(folder=tmp_path), base=tmp_path, judge=judge, say=lambda _: None
    )


def attribute(
    tmp_path: Path, bad: Bad, shelf: type[Shelf] = Shelf
) -> tuple[tuple[Culprit, ...], int]:
    """Culprits of one regression, and how many environments were tried."""
    trying = candidates(tmp_path, {ONE: bad}, shelf)
    (attribution,) = attributing.attribute(trying, CHANGES, [ONE])
    assert attribution.culprits or attribution.reason
    assert attribution.findings == (ONE,)
    return attribution.culprits, trying.tried


@pytest.mark.parametrize("first", [2, 5, 9])
@pytest.mark.parametrize("package", ["a", "b", "c"])
def test_one_culprit_is_found(tmp_path: Path, package: str, first: int) -> None:
    """Whatever the package and the release, within log2(releases) + 2 (packages) environments."""
    (culprit,), tried = attribute(tmp_path, lambda installed: installed[package] >= first)
    assert (culprit.package, culprit.good, culprit.bad) == (package, str(first - 1), str(first))
    assert tried <= 4 + 2 * len(BASE)


def test_culprits_that_need_each_other_are_both_found(tmp_path: Path) -> None:
    """Neither alone fails: each has its own first bad release beside the other's last."""
    culprits, _ = attribute(tmp_path, lambda installed: installed["a"] >= 4 and installed["b"] >= 7)
    assert {(c.package, c.bad) for c in culprits} == {("a", "4"), ("b", "7")}


def test_releases_that_cannot_be_installed_are_named(tmp_path: Path) -> None:
    """Between the last good and the first bad release that could be tried, the rest is named."""

    class Gap(Shelf):
        def resolve(self, base: Path, changes: Sequence[str]) -> tuple[str, ...]:
            if any(f"a=={release}" in changes for release in (4, 5, 6)):
                raise ResolutionError("no wheel")
            return super().resolve(base, changes)

    (culprit,), _ = attribute(tmp_path, lambda installed: installed["a"] >= 5, Gap)
    assert (culprit.good, culprit.bad, culprit.between) == ("3", "7", ("4", "5", "6"))
    assert "between 3 (good) and 7 (bad)" in culprit.description


def test_what_only_came_along_is_no_culprit(tmp_path: Path) -> None:
    """Packages that cannot be apart: the one that the user named is blamed, the other is named."""

    class Coupled(Shelf):
        possible = staticmethod(lambda versions: versions["a"] == versions["c"])

    culprits, _ = attribute(tmp_path, lambda installed: installed["a"] >= 6, Coupled)
    (culprit,) = culprits
    assert (culprit.package, culprit.bad, culprit.along) == ("a", "6", ("c==6",))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (lambda _: False, "together do not fail"),
        (lambda _: True, "the base fails too"),
    ],
)
def test_what_releases_cannot_explain_is_said(tmp_path: Path, bad: Bad, message: str) -> None:
    """Both ends are tried again before anything is blamed."""
    (attribution,) = attributing.attribute(candidates(tmp_path, {ONE: bad}), CHANGES, [ONE])
    assert not attribution.culprits
    assert message in attribution.description


def test_dragged_releases_are_tried_last(tmp_path: Path) -> None:
    """What the user named explains it with what it drags along: the latter is not bisected."""

    class Dragging(Shelf):
        possible = staticmethod(lambda versions: versions["a"] <= versions["c"])

        def releases(self, name: str, first: str, last: str) -> list[str]:
            assert name == "a"
            return super().releases(name, first, last)

    (culprit,), _ = attribute(tmp_path, lambda installed: installed["c"] >= 6, Dragging)
    assert (culprit.package, culprit.bad, culprit.along) == ("a", "6", ("c==6",))


def test_what_cannot_be_tested_is_gone_around(tmp_path: Path) -> None:
    """A release that cannot be built, or imported, is neither good nor bad."""

    class Unbuilt(Shelf):
        def make(self, base: Path, pins: Sequence[str], named: Collection[str] = ()) -> Path:
            if "a==5" in pins:
                raise ResolutionError("uv pip install failed", why="log\nno compiler")
            return super().make(base, pins, named)

    def bad(installed: dict[str, int]) -> bool:
        if installed["a"] == 4:
            raise InterpreterError("cannot import", why="ImportError: no backend")
        return installed["a"] >= 6

    (culprit,), _ = attribute(tmp_path, bad, Unbuilt)
    assert (culprit.good, culprit.bad, culprit.between) == ("3", "6", ("4", "5"))
    assert "2 releases between them cannot be tested here" in culprit.description


def test_culprits_that_are_known_stay_known(tmp_path: Path) -> None:
    """Where the second one cannot be bisected, the first was named before."""

    class Lost(Shelf):
        def releases(self, name: str, first: str, last: str) -> list[str]:
            if name == "b":
                raise ResolutionError("the index is gone")
            return super().releases(name, first, last)

    def bad(installed: dict[str, int]) -> bool:
        return installed["a"] >= 4 and installed["b"] >= 7

    (attribution,) = attributing.attribute(candidates(tmp_path, {ONE: bad}, Lost), CHANGES, [ONE])
    assert [culprit.package for culprit in attribution.culprits] == ["a"]
    assert attribution.reason == "the index is gone"


def test_each_regression_has_culprits_of_its_own(tmp_path: Path) -> None:
    """Whatever the others do: of one cell, of several, of two packages, or of none."""
    bad: dict[Finding, Bad] = {
        regression("test_x"): lambda installed: installed["a"] >= 4,
        regression("test_y"): lambda installed: installed["a"] >= 7,
        regression("test_z"): lambda installed: installed["b"] >= 3,
        regression("test_x", "TestSmall/b"): lambda installed: installed["a"] >= 4,
        regression("test_both"): lambda installed: installed["a"] >= 4 and installed["b"] >= 3,
        regression("test_none"): lambda _: False,
        regression("test_lost"): lambda _: None,
    }
    attributions = attributing.grouped(
        attributing.attribute(candidates(tmp_path, bad), CHANGES, [*bad])
    )
    findings_by_culprits = {
        tuple(f"{c.package} {c.bad}" for c in each.culprits): [f.name for f in each.findings]
        for each in attributions
    }
    assert findings_by_culprits == {
        ("a 4",): ["test_x", "test_x"],
        ("a 7",): ["test_y"],
        ("b 3",): ["test_z"],
        ("a 4", "b 3"): ["test_both"],
        (): ["test_none", "test_lost"],
    }


def test_regressions_of_one_culprit_cost_no_further_search(tmp_path: Path) -> None:
    """Those of other cells are judged on both sides of it, and nowhere else."""
    cells = [regression("test_x", f"TestSmall/{letter}") for letter in "abcdef"]
    judged: Counter[str] = Counter()

    def bad(finding: Finding) -> Bad:
        def shows(installed: dict[str, int]) -> bool:
            judged[finding.cell] += 1
            return installed["a"] >= 4

        return shows

    trying = candidates(tmp_path, {finding: bad(finding) for finding in cells})
    (attribution,) = attributing.attribute(trying, CHANGES, cells)
    assert set(attribution.findings) == set(cells)
    assert sorted(judged.values())[:5] == [2] * 5

"""Attribution: the smallest set that fails and its first bad release, on made-up releases."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import pytest

from harness.attribute import Attributor, Culprit
from harness.changes import Change
from harness.environments import Environments
from harness.errors import ResolutionError, SpecError

BASE = {"a": "1", "b": "1", "c": "1"}
LAST = 9


class Shelf(Environments):
    """Environments that are only pins: three packages with releases 1 to 9."""

    possible: Callable[[dict[str, int]], bool] = staticmethod(lambda _: True)

    def resolve(self, base: Path, changes: Sequence[str]) -> tuple[str, ...]:
        """What is asked, the rest as in the base; what cannot be moves c to where a is."""
        del base  # the same for every side
        asked = dict(change.split("==") for change in changes)
        versions = {name: int(version) for name, version in (BASE | asked).items()}
        if not type(self).possible(versions):
            if "c" in asked:
                raise ResolutionError("not together")
            versions["c"] = versions["a"]
        return tuple(f"{name}=={version}" for name, version in versions.items())

    def make(self, base: Path, pins: Sequence[str], named: Collection[str] = ()) -> Path:
        """A path that says what is installed."""
        del named
        return base / ",".join(pins)

    def releases(self, name: str, first: str, last: str) -> list[str]:
        """Every release."""
        assert name in BASE
        return [str(release) for release in range(int(first), int(last) + 1)]


def attribute(
    tmp_path: Path, bad: Callable[[dict[str, int]], bool], shelf: type[Shelf] = Shelf
) -> tuple[tuple[Culprit, ...], int]:
    """Culprits, and how many environments were tried, where `bad` fails; a was asked for."""

    def fails(python: Path) -> bool:
        return bad({k: int(v) for k, v in (p.split("==") for p in python.name.split(","))})

    attributor = Attributor(
        environments=shelf(folder=tmp_path), base=tmp_path, fails=fails, say=lambda _: None
    )
    changes = [
        Change(package=name, before="1", after=str(LAST), asked=name == "a") for name in BASE
    ]
    return attributor.attribute(changes), attributor.tried


@pytest.mark.parametrize("first", [2, 5, 9])
@pytest.mark.parametrize("package", ["a", "b", "c"])
def test_one_culprit_is_found(tmp_path: Path, package: str, first: int) -> None:
    """Whatever the package and the release, within log2(releases) + 2 (packages) environments."""
    (found,), tried = attribute(tmp_path, lambda installed: installed[package] >= first)
    assert (found.package, found.good, found.bad) == (package, str(first - 1), str(first))
    assert tried <= 4 + 2 * len(BASE)


def test_culprits_that_need_each_other_are_both_found(tmp_path: Path) -> None:
    """Neither alone fails: each has its own first bad release beside the other's last."""
    found, _ = attribute(tmp_path, lambda installed: installed["a"] >= 4 and installed["b"] >= 7)
    assert {(c.package, c.bad) for c in found} == {("a", "4"), ("b", "7")}


def test_releases_that_cannot_be_installed_are_named(tmp_path: Path) -> None:
    """Between the last good and the first bad release that could be tried, the rest is told."""

    class Gap(Shelf):
        def resolve(self, base: Path, changes: Sequence[str]) -> tuple[str, ...]:
            if any(f"a=={release}" in changes for release in (4, 5, 6)):
                raise ResolutionError("no wheel")
            return super().resolve(base, changes)

    (found,), _ = attribute(tmp_path, lambda installed: installed["a"] >= 5, Gap)
    assert (found.good, found.bad, found.between) == ("3", "7", ("4", "5", "6"))
    assert "between 3 (good) and 7 (bad)" in found.words


def test_what_only_came_along_is_no_culprit(tmp_path: Path) -> None:
    """Packages that cannot be apart: the one that was asked for is blamed, the other told."""

    class Coupled(Shelf):
        possible = staticmethod(lambda versions: versions["a"] == versions["c"])

    found, _ = attribute(tmp_path, lambda installed: installed["a"] >= 6, Coupled)
    (culprit,) = found
    assert (culprit.package, culprit.bad, culprit.along) == ("a", "6", ("c==6",))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (lambda _: False, "together do not fail"),
        (lambda _: True, "the base fails too"),
    ],
)
def test_what_releases_cannot_explain_is_said(
    tmp_path: Path, bad: Callable[[dict[str, int]], bool], message: str
) -> None:
    """Both ends are tried again before anything is blamed."""
    with pytest.raises(SpecError, match=message):
        attribute(tmp_path, bad)

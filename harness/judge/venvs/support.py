"""Support: which versions of the packages under test can be judged.

The ranges are those that our own distribution's extra `judged` requires, so that they are written
down once.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from harness.core.environment import JUDGED
from harness.core.errors import InterpreterError
from harness.judge.venvs.build import OURS

EXTRA = "judged"
"""Our extra that installs what is judged."""

_PHRASES = {">=": "{} or newer", ">": "newer than {}", "<": "older than {}", "<=": "{} or older"}


def ranges() -> dict[str, SpecifierSet]:
    """The supported range of every package under test that has one, by normalized name."""
    judged = {canonicalize_name(name) for name in JUDGED}
    try:
        requirements = [Requirement(line) for line in requires(OURS) or ()]
    except PackageNotFoundError:  # run from a folder that was never installed
        return {}
    return {
        name: requirement.specifier
        for requirement in requirements
        if (name := canonicalize_name(requirement.name)) in judged
        and requirement.marker is not None
        and requirement.marker.evaluate({"extra": EXTRA})
    }


def installing(python: Path, missing: Sequence[str]) -> str:
    """The command that installs what an interpreter lacks: ours takes the extra."""
    running = python == Path(sys.executable)
    wanted = f"'{OURS}[{EXTRA}]'" if running else " ".join(missing)
    return f"{python} -m pip install {wanted}"


def check(versions: Mapping[str, str], whose: str) -> None:
    """Refuse versions that cannot be judged, before anything is made or run.

    Args:
        versions: of packages, by normalized name.
        whose: what has them, for the message.

    Raises:
        InterpreterError: a package under test is too old, or too new.
    """
    refused = [*_refused(versions)]
    if refused:
        raise InterpreterError(
            f"{whose} cannot be judged: {'; '.join(reason for reason, _ in refused)}",
            why=f"this harness judges {'; '.join(supported for _, supported in refused)}",
            fix="ask for versions in that range",
        )


def _refused(versions: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What is wrong with each version outside its range, and the range."""
    for name, supported in ranges().items():
        try:
            version = Version(versions.get(name, ""))
        except InvalidVersion:  # not there, or numbered in a way that has no order
            continue
        if not supported.contains(version, prereleases=True):
            least = max((Version(s.version) for s in supported if s.operator == ">="), default=None)
            wrong = "too old" if least is not None and version < least else "too new"
            yield f"{name} {version} is {wrong}", f"{name} {_phrase(supported)}"


def _phrase(supported: SpecifierSet) -> str:
    """A range as people say it, its lower end first: `4.57 or newer, older than 6`."""
    ends = sorted(supported, key=lambda end: (not end.operator.startswith(">"), end.version))
    phrases = [(_PHRASES.get(end.operator, f"{end.operator}{{}}"), end.version) for end in ends]
    return ", ".join(form.format(version) for form, version in phrases)

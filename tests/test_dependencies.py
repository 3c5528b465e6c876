"""Dependencies: whatever is imported is declared, in the group of requirements that brings it."""

import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.core.environment import JUDGED
from harness.judge.venvs.build import OURS
from tests.repositories import ROOT
from tests.test_layers import FOR_TYPES, imports

OWN = {"fixtures", "harness", "suites", "tests"}
FAULTS = "harness/judge/mutation/faults"

JUDGING_TOWER = ("harness/core", "harness/judge")
JUDGED_TOWER = ("harness/core", "harness/worker", FAULTS)
PLACES = (
    *((place, ("judging",)) for place in JUDGING_TOWER),
    *((place, ("judged", "peft")) for place in JUDGED_TOWER),
    ("fixtures", ("judged",)),
    ("docs", ("judging", "docs")),
    ("suites", ("judging", "suites")),
    ("tests", ("judging", "test")),
    ("conftest.py", ("judging", "test")),
)
"""A folder or a file, and the groups that declare its imports; `judging` needs no extra."""

RUN = {
    "pytest-benchmark": "its fixture times the rounds",
    "uv": "it is started as a process",
}
"""Required by the judging tower and imported nowhere, and why."""


def declared(root: Path, group: str) -> set[str]:
    """Distributions that a group of requirements installs by name, those of its own extras too."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = project["dependencies" if group == "judging" else "optional-dependencies"]
    names = set()
    for requirement in map(Requirement, lines if group == "judging" else lines[group]):
        if requirement.name == OURS:
            names |= {name for extra in requirement.extras for name in declared(root, extra)}
        else:
            names.add(canonicalize_name(requirement.name))
    return names


@cache
def bringing() -> Mapping[str, set[str]]:
    """The distributions that are installed for a module, by its name."""
    known = packages_distributions().items()
    return {module: {*map(canonicalize_name, names)} for module, names in known}


def distributions(root: Path, place: str) -> Iterator[tuple[str, set[str]]]:
    """Each import of another project below a place, and the distributions that may bring it."""
    whole = root / place
    for path in [whole] if whole.is_file() else sorted(whole.rglob("*.py")):
        inside = path.relative_to(root).as_posix()
        if inside.startswith(FAULTS) and place != FAULTS:
            continue
        for module in {name.partition(".")[0] for name in imports(path)}:
            if module not in sys.stdlib_module_names and module not in OWN:
                yield f"{inside} imports {module}", bringing().get(module, {module})


def undeclared(root: Path) -> list[str]:
    """Imports that the groups of their places do not declare."""
    return [
        sentence
        for place, groups in PLACES
        for sentence, names in distributions(root, place)
        if not names & {name for group in groups for name in declared(root, group)}
    ]


def unused(root: Path) -> set[str]:
    """What is required without an extra, or by `judged`, and neither imported there nor judged."""
    judged = {canonicalize_name(name) for name in JUDGED}
    places = {"judging": JUDGING_TOWER, "judged": JUDGED_TOWER}
    return {
        name
        for group, folders in places.items()
        for name in declared(root, group)
        - {name for place in folders for _, names in distributions(root, place) for name in names}
        - (judged if group == "judged" else {*RUN})
    }


def test_every_import_is_declared() -> None:
    """By the group of its tower, of the suites or of the tests."""
    assert undeclared(ROOT) == []


def test_every_requirement_is_needed() -> None:
    """The judging tower requires what it imports or runs; the extra, what is judged or imported."""
    assert unused(ROOT) == set()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of one import in each place, declared as ours are."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    (tmp_path / "conftest.py").write_text("import pytest\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("harness/core/a.py", "import scipy"),  # the worker would load it too
        ("harness/judge/a.py", "import tqdm"),
        ("harness/judge/plugin/a.py", "def late():\n    from torch import nn"),
        ("harness/judge/a.py", f"{FOR_TYPES}    import transformers"),
        ("harness/worker/a.py", "import scipy.stats"),
        (f"{FAULTS}/a.py", "import hypothesis"),
        ("suites/test_a.py", "import yaml"),
        ("tests/test_a.py", "import sympy"),
        ("fixtures/generator/a.py", "import jsonschema"),
    ],
)
def test_a_planted_import_is_seen(project: Path, place: str, text: str) -> None:
    """Whatever is installed here by chance, as something else's requirement."""
    path = project / place
    path.parent.mkdir(parents=True)
    path.write_text("import numpy\n" if "suites" not in place else "import pytest\n", "utf-8")
    assert undeclared(project) == []
    path.write_text(text, encoding="utf-8")
    assert len(undeclared(project)) == 1


@pytest.mark.parametrize(("group", "line"), [("dependencies", "tqdm"), ("judged", "scipy>=1")])
def test_a_planted_requirement_is_seen(project: Path, group: str, line: str) -> None:
    """Of what only another group needs."""
    (project / "harness").symlink_to(ROOT / "harness")
    assert unused(project) == set()
    path = project / "pyproject.toml"
    text = path.read_text(encoding="utf-8").replace(f"\n{group} = [", f'\n{group} = [\n"{line}",')
    path.write_text(text, encoding="utf-8")
    assert unused(project) == {line.partition(">")[0]}

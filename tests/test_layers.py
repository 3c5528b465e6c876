"""The house stands: imports go down through the rooms, and the towers meet only in records."""

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import _HOMES as HOMES
from tests.repositories import ROOT

PACKAGE = ROOT / "harness"

ROOMS = (
    "cli",
    "plugin",
    "reports",
    "mutation",
    "gate",
    "suite",
    "invariants",
    "nightly",
    "benchmark",
    "runs",
    "venvs",
    "store",
)
"""The rooms of `judge/`, from the top: each imports from those below it, and from loose files."""

CORE_NEEDS = {"numpy", "pyarrow"}
"""Beside the standard library: what either tower has anyway."""

FOR_TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"

JUDGED = {"accelerate", "datasets", "evaluate", "torch", "transformers"}


def modules(package: Path) -> dict[str, Path]:
    """Every module by its name below the package."""
    names = {}
    for path in package.rglob("*.py"):
        parts = path.relative_to(package).with_suffix("").parts
        names[".".join(part for part in parts if part != "__init__")] = path
    return names


def imports(path: Path) -> Iterator[str]:
    """Everything that a file imports: at its top, in a function, for its types alone, by a call."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Call):
            yield from imported_by(node)


def imported_by(call: ast.Call) -> Iterator[str]:
    """What a call imports that names a module in so many letters."""
    match call:
        case ast.Call(
            func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(value=str(name)), *_],
        ):
            assert not name.startswith("."), f"{name}: a relative import"
            yield name


def ours(package: Path) -> dict[str, set[str]]:
    """By module, those of the package that it imports, the root by an empty name.

    The root loads what its public names stand for, so that whoever imports one imports its home.
    """
    known = modules(package)
    graph: dict[str, set[str]] = defaultdict(set)
    for module, path in known.items():
        for imported in imports(path):
            root, _, name = imported.partition(".")
            if root != "harness":
                continue
            name = HOMES.get(name, imported).removeprefix("harness").lstrip(".")
            while name and name not in known:
                name = name.rpartition(".")[0]
            graph[module].add(name)
    return graph


def room_of(module: str) -> str:
    """The room of `judge/` that a module is in; empty for a loose file."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in ROOMS else ""


def allowed(module: str, imported: str) -> bool:
    """Whether the three sentences allow an import."""
    tower, other = module.partition(".")[0], imported.partition(".")[0]
    if tower == "worker":
        return other in {"core", "worker"}
    if tower == "core":
        return other == "core"
    if tower == "judge" and other == "judge":
        below = [*ROOMS, ""]
        return below.index(room_of(module)) <= below.index(room_of(imported))
    return other == "core" or tower == ""


def violations(package: Path) -> list[str]:
    """Imports that the three sentences forbid."""
    return [
        f"{module} imports {imported}"
        for module, names in ours(package).items()
        for imported in sorted(names)
        if not allowed(module, imported)
    ]


def cycles(package: Path) -> list[str]:
    """Modules that import themselves by way of others."""
    graph = ours(package)

    def reached(start: str) -> set[str]:
        known: set[str] = set()
        waiting = set(graph[start])
        while waiting:
            name = waiting.pop()
            if name not in known:
                known.add(name)
                waiting |= graph[name]
        return known

    return [name for name in list(graph) if name and name in reached(name)]


def test_imports_go_down() -> None:
    """No import goes up, however late it happens or for whatever purpose."""
    assert not violations(PACKAGE)


def test_no_module_imports_itself() -> None:
    """Imports make no circle."""
    assert not cycles(PACKAGE)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("worker/data.py", "from harness.judge import catalog"),
        ("worker/data.py", "def late():\n    import harness.judge.settings"),
        ("judge/catalog.py", "from harness.worker import data"),
        ("judge/catalog.py", "def late():\n    from harness.worker.data import rows"),
        ("judge/catalog.py", f"{FOR_TYPES}    from harness.worker import data"),
        ("judge/store/local.py", "from harness.judge.runs.runner import Runner"),
        ("judge/store/local.py", "def late():\n    from harness.judge.suite import base"),
        ("judge/catalog.py", f"{FOR_TYPES}    from harness.judge.store.local import Store"),
        ("core/digest.py", "from harness.judge import catalog"),
        ("core/digest.py", "from harness.worker import data"),
        ("core/digest.py", "from harness import Suite"),
        ("core/digest.py", "import harness.judge.catalog as c"),
        ("core/digest.py", "import harness"),
        ("worker/data.py", "from harness import Suite"),
        ("worker/data.py", "import harness as h"),
        ("worker/data.py", "import importlib as i\ni.import_module('harness.judge.catalog')"),
        ("judge/catalog.py", "import harness"),
        ("judge/catalog.py", "from harness import *"),
        ("judge/catalog.py", "def late():\n    __import__('harness.worker.data')"),
        ("judge/store/local.py", "from harness import Suite"),
        ("judge/store/local.py", "import_module('harness.judge.suite.base', None)"),
    ],
)
def test_planted_imports_are_seen(tmp_path: Path, path: str, text: str) -> None:
    """An upward import is a violation at a module's top, in a function, for types and by a call.

    So is one by way of the root, which loads the judging tower.
    """
    package = tmp_path / "harness"
    for name in (
        "core/digest.py",
        "worker/data.py",
        "judge/catalog.py",
        "judge/settings.py",
        "judge/store/local.py",
        "judge/runs/runner.py",
        "judge/suite/base.py",
    ):
        package.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
        package.joinpath(name).write_text("from harness.core import digest\n", encoding="utf-8")
    (package / "core" / "digest.py").write_text("", encoding="utf-8")
    assert not violations(package)
    (package / path).write_text(text, encoding="utf-8")
    assert len(violations(package)) == 1


def test_planted_circle_is_seen(tmp_path: Path) -> None:
    """Two loose files that import each other are a circle."""
    (tmp_path / "judge").mkdir()
    (tmp_path / "judge" / "one.py").write_text("import harness.judge.two", encoding="utf-8")
    (tmp_path / "judge" / "two.py").write_text("from harness.judge import one", encoding="utf-8")
    assert sorted(cycles(tmp_path)) == ["judge.one", "judge.two"]


def test_every_room_is_on_the_list() -> None:
    """Three rooms downstairs, and the listed ones in `judge/`."""
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders == {"core", "worker", "judge"}
    assert {path.parent.name for path in PACKAGE.glob("judge/*/__init__.py")} == set(ROOMS)
    assert {path.name for path in PACKAGE.glob("*.py")} == {"__init__.py"}


def foreign(folder: str) -> set[str]:
    """Packages beside the standard library and our own that a folder's modules import."""
    names = {
        imported.partition(".")[0]
        for path in (PACKAGE / folder).rglob("*.py")
        if "faults" not in path.parts  # they run in workers
        for imported in imports(path)
    }
    return names - set(sys.stdlib_module_names) - {"harness"}


def test_core_needs_little() -> None:
    """What both towers load is the standard library and what either has."""
    assert foreign("core") <= CORE_NEEDS


def test_judging_tower_imports_nothing_that_is_judged() -> None:
    """Neither at its start nor later: the running interpreter may not have it."""
    assert not foreign("judge") & JUDGED


def test_modules_are_short() -> None:
    """None is over 300 lines, and half of them have at most 150."""
    lines = sorted(
        (path.read_text(encoding="utf-8").count("\n"), str(path.relative_to(PACKAGE)))
        for path in PACKAGE.rglob("*.py")
        if "faults" not in path.parts
    )
    assert not [name for count, name in lines if count > 300]
    assert lines[len(lines) // 2][0] <= 150


def test_names_have_one_meaning() -> None:
    """No two public classes share a name, and no two modules but a command's and its subject's."""
    homes = defaultdict(set)
    for module, path in modules(PACKAGE).items():
        if "faults" in module or not module:
            continue
        if not module.startswith("judge.cli."):
            homes[module.rpartition(".")[2]].add(module)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].add(module)
    assert not {name: where for name, where in homes.items() if len(where) > 1}


def test_plugin_loads_without_torch() -> None:
    """Collecting every suite leaves torch, transformers, datasets and evaluate alone."""
    code = (
        "import sys, pytest\n"
        "pytest.main(['suites', '--collect-only', '-q', '-p', 'no:cacheprovider'])\n"
        f"sys.exit(', '.join(sorted({JUDGED} & set(sys.modules))) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

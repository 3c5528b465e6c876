"""The house stands: imports go down the floors, and the towers meet only in records."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from harness.environment import JUDGING

PACKAGE = Path(__file__).parent.parent / "harness"

FLOORS = (
    {"redaction"},
    {
        "console",
        "cores",
        "errors",
        "interruption",
        "digest",
        "outlet",
        "repository",
        "encoder",
        "faults",
        "finding",
        "statistics",
        "chance",
        "observation",
        "accelerator",
        "indexes",
    },
    {"serial", "questions"},
    {
        "limits",
        "document",
    },
    {
        "child",
        "distributions",
        "requirements",
        "spec",
        "stored_arrays",
        "record_parts",
        "environment",
        "tolerance",
        "settings",
        "allowances",
        "annotations",
        "baseline",
        "collation",
        "drift",
        "regime",
        "tonight",
        "trend",
        "sealed",
        "variables",
        "staging",
        "tables",
        "weights",
    },
    {"recipe"},
    {"declarations", "variations"},
    {"cell"},
    {
        "live",
        "zygote",
        "installer",
        "series",
        "distance",
        "record",
        "remote",
        "catalog",
        "job",
        "notices",
        "loops",
    },
    {
        "trial",
        "environments",
        "batches",
        "batching",
        "bridge",
        "data",
        "deviations",
        "failures",
        "entry",
        "metrics",
        "models",
    },
    {
        "figures",
        "history",
        "sources",
        "store",
        "forecast",
        "probes",
        "loops.setup",
        "collating",
        "sampling",
        "sequences",
        "support",
        "tokenizing",
        "validation",
    },
    {
        "assignment",
        "cache",
        "trends",
        "loops.trainer",
        "loops.plan",
        "loops.course",
        "bench",
        "examination",
        "launch",
        "soundness",
        "standing",
    },
    {
        "invariants",
        "closeup",
        "loops.pytorch",
        "loops.accelerate",
        "training",
        "answering",
        "pacing",
    },
    {"suite", "runner", "trying", "timing"},
    {"jury", "worker", "schedule", "collecting", "contest"},
    {"proving", "candidates", "comparison", "changes", "racing", "outcomes"},
    {"attribute", "match"},
    {"gate", "night"},
    {"acceptance", "calibrating", "report", "stash"},
    {"keeping", "gathering", "commands", "contests", "guidance", "nights"},
    {"censor", "reporting"},
    {"plugin", "subjects", "issues", "cli"},
)
"""Each floor imports only from those before it; a package's modules from each other too."""

JUDGED_ALONE = {
    "answering",
    "batches",
    "bench",
    "bridge",
    "closeup",
    "collating",
    "data",
    "encoder",
    "examination",
    "loops.accelerate",
    "loops.course",
    "loops.plan",
    "loops.pytorch",
    "loops.setup",
    "loops.trainer",
    "metrics",
    "models",
    "pacing",
    "probes",
    "sampling",
    "sequences",
    "soundness",
    "timing",
    "tokenizing",
    "training",
    "trying",
}
"""Modules that import the packages under test: only a worker may."""


def modules() -> dict[str, Path]:
    """Every module by its name below the package."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        if name:
            found[name] = path
    return found


def floor_of(name: str) -> int:
    """The floor that a module, or the package it belongs to, lives on."""
    for height, floor in enumerate(FLOORS):
        if name in floor:
            return height
    return floor_of(name.rpartition(".")[0])


def imports(path: Path, *, everywhere: bool) -> set[str]:
    """Our own modules that a file imports: anywhere, or at its top level when it is loaded."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = modules()
    found = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("harness"):
            base = (node.module or "").removeprefix("harness").lstrip(".")
            inside = {f"{base}.{alias.name}".lstrip(".") for alias in node.names}
            found |= (inside & set(names)) or {base}
        if isinstance(node, ast.Import):
            found |= {a.name.removeprefix("harness.") for a in node.names if "harness." in a.name}
    return found - {""}


def upward(name: str, path: Path) -> set[str]:
    """What a module imports that is on no floor below its own, nor in its own package."""
    package = name.partition(".")[0]
    return {
        imported
        for imported in imports(path, everywhere=False)
        if (imported.partition(".")[0] != package or imported == package)
        and floor_of(imported) >= floor_of(name)
    }


@pytest.mark.parametrize("name", sorted(modules()))
def test_imports_go_down(name: str) -> None:
    """A module imports only from floors below its own, or from its own package."""
    assert not upward(name, modules()[name])


def test_every_floor_is_inhabited() -> None:
    """The plan names no module that is not there."""
    assert set().union(*FLOORS) <= set(modules())


def test_floors_notice_an_upward_import(tmp_path: Path) -> None:
    """A module that imports from above, or from its own floor, is seen, however it is written."""
    path = tmp_path / "digest.py"
    for text, seen in (
        ("from harness import errors, runner", {"errors", "runner"}),
        ("from harness.report.page import fill", {"report.page"}),
        ("import harness.settings", {"settings"}),
        ("from harness.redaction import text", set()),
    ):
        path.write_text(text, encoding="utf-8")
        assert upward("digest", path) == seen


def test_judging_tower_never_imports_the_judged() -> None:
    """Nothing that pytest loads reaches a module that imports torch or transformers."""
    for name in set(modules()) - JUDGED_ALONE - {"worker"}:
        assert not imports(modules()[name], everywhere=True) & JUDGED_ALONE, name


def test_plugin_loads_without_torch() -> None:
    """Collecting every suite leaves torch, transformers, datasets and evaluate alone."""
    code = (
        "import sys, pytest\n"
        "pytest.main(['suites', '--collect-only', '-q', '-p', 'no:cacheprovider'])\n"
        "heavy = {'torch', 'transformers', 'datasets', 'evaluate'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_workers_import_nothing_of_the_judging_tower() -> None:
    """What the environment key leaves out is what no worker can reach."""
    reached, waiting = set(), {"worker", "loops.trainer", "environment"}
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= imports(modules()[name], everywhere=True) - reached
    assert not {name.partition(".")[0] for name in reached} & JUDGING

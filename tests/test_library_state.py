"""What belongs to a library stays as it is: what a call can be given is no attribute to be set."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "harness"

CHANGED = {
    "worker/trial_runs": {"os.environ"},
    "worker/warnings_log": {"warnings.showwarning"},
}
"""Variables that give torchrun's processes their ranks, or that accelerate leaves behind; and the
function that `warnings` itself documents as the one to replace."""


def imported_by(tree: ast.AST) -> set[str]:
    """Names that a module imports from elsewhere."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not str(node.module).startswith("harness"):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def targets_of(node: ast.AST) -> list[ast.expr]:
    """What a statement or a call changes: assigned, deleted, changed in place or switched off."""
    match node:
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            return targets
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            return [target]
        case ast.Call(func=ast.Attribute(value=value, attr="clear" | "update" | "pop")):
            return [value]
        case ast.Call(func=ast.Attribute(attr=name) as switch) if name.startswith("disable_"):
            return [switch]
    return []


def changes(path: Path) -> Iterator[str]:
    """What a file changes of modules and classes that it imports from elsewhere."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = imported_by(tree)
    for target in [target for node in ast.walk(tree) for target in targets_of(node)]:
        name = ast.unparse(target.value if isinstance(target, ast.Subscript) else target)
        if "." in name and name.partition(".")[0] in imported and "(" not in name:
            yield name


def changed(package: Path) -> dict[str, set[str]]:
    """By module, what it changes of others'; faults are made for that."""
    modules = {}
    for path in package.rglob("*.py"):
        names = set(changes(path)) if "faults" not in path.parts else set()
        if names:
            modules[str(path.relative_to(package).with_suffix(""))] = names
    return modules


def test_no_library_is_patched() -> None:
    """What has no argument is listed, with the reason."""
    assert changed(PACKAGE) == CHANGED


@pytest.mark.parametrize(
    "text",
    [
        "import torch\ntorch.autograd.backward = print",
        "import os\ndef undo():\n    os.environ.clear()",
        "from datasets import config\nconfig.IN_MEMORY_MAX_SIZE = 1",
        "import os\nos.environ['OMP_NUM_THREADS'] = '1'",
        "import sys\ndel sys.modules['torch']",
        "import datasets\ndef load():\n    datasets.disable_caching()",
    ],
)
def test_a_planted_patch_is_seen(tmp_path: Path, text: str) -> None:
    """Assigned, deleted, or changed in place."""
    (tmp_path / "module.py").write_text(text, encoding="utf-8")
    assert list(changed(tmp_path)) == ["module"]

"""What belongs to a library stays as it is: what a call can be given is no attribute to be set."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests import names
from tests.test_layers import PACKAGE

CHANGED = {
    "worker/pace": {"torch._dynamo.utils.counters"},
    "worker/trial_runs": {"os.environ"},
    "worker/user_code": {"sys.path"},
    "worker/warnings_log": {"warnings.showwarning"},
}
"""What torch counts of compiled graphs, anew for each strategy; variables that give torchrun's
processes their ranks, or that accelerate leaves behind; where a user's modules are looked for; and
the function that `warnings` itself documents as the one to replace."""

MUTATORS = {*dir(dict), *dir(list), *dir(set)} - {*dir(Mapping), *dir(tuple), *dir(frozenset)}
"""Methods that change what they are called on in place."""

SETTERS = {"os.putenv", "os.unsetenv"}
"""Functions that change the variables of this process past `os.environ`."""


def changed_by(node: ast.AST, imported: dict[str, str]) -> str:
    """The full name of what a statement or a call changes; empty if that isn't imported."""
    match node:
        case ast.Attribute(ctx=ctx) | ast.Subscript(ctx=ctx) if not isinstance(ctx, ast.Load):
            return names.full_name(node, imported)
        case ast.AugAssign(target=target):
            return names.full_name(target, imported)
        case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[owner, *_]):
            name = names.full_name(owner, imported)
            return name and f"{name}.*"
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in MUTATORS:
            return names.full_name(value, imported)
        case ast.Call(func=function):
            name = names.full_name(function, imported)
            switches = name in SETTERS or name.rpartition(".")[2].startswith("disable_")
            return name if switches else ""
    return ""


def changes(path: Path) -> Iterator[str]:
    """What a file changes of modules and classes that it imports from elsewhere."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = names.homes(tree)
    for node in ast.walk(tree):
        name = changed_by(node, imported)
        if "." in name and name.partition(".")[0] != "harness":
            yield name


def changed(package: Path) -> dict[str, set[str]]:
    """By module, what it changes of others'; faults are made for that."""
    modules = {}
    for path in package.rglob("*.py"):
        changed_names = set(changes(path)) if "faults" not in path.parts else set()
        if changed_names:
            modules[str(path.relative_to(package).with_suffix(""))] = changed_names
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
        "from os import environ\nenviron['A'] = '1'",
        "from os import environ\nenviron |= {'A': '1'}",
        "from datasets import disable_caching as off\noff()",
        "import os\nos.environ.setdefault('A', '1')",
        "import os\nos.putenv('A', '1')",
        "from os import unsetenv\nunsetenv('A')",
        "import torch\nsetattr(torch, 'x', 1)",
        "import torch\ntorch.a, torch.b = 1, 2",
        "import torch\nwith open('x') as torch.a:\n    pass",
        "import sys\nsys.path.insert(0, 'x')",
        "import transformers.utils.logging as l\nl.names[0].level += 1",
    ],
)
def test_a_planted_patch_is_seen(tmp_path: Path, text: str) -> None:
    """Assigned, deleted, changed in place or switched off, by whichever name."""
    (tmp_path / "module.py").write_text(text, encoding="utf-8")
    assert list(changed(tmp_path)) == ["module"]

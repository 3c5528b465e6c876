"""Imported files: those of a repository that a function of the user's depends on, unrun.

Imports are followed where they are written, also inside functions, as far as they lead to files
below the repository's root. What is installed is part of the environment.
"""

import ast
from collections.abc import Iterator
from pathlib import Path


def files_of(reference: str, root: Path) -> list[Path]:
    """The files below a root that a `module:function` imports, its own among them.

    Args:
        reference: to the function.
        root: of the repository, which modules are looked for in.

    Returns:
        In order; none where the module is not there: whoever imports it will say so.
    """
    known: dict[Path, None] = {}
    wanted = [*_files_of(reference.partition(":")[0], root)]
    while wanted:
        path = wanted.pop()
        if path not in known:
            known[path] = None
            wanted += [file for name in _imports(path, root) for file in _files_of(name, root)]
    return sorted(known)


def _files_of(module: str, root: Path) -> Iterator[Path]:
    """The file of a module, and those of the packages around it, where they are there."""
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:depth])
        for path in (place / "__init__.py", place.with_name(f"{place.name}.py")):
            if path.is_file():
                yield path


def _imports(path: Path, root: Path) -> Iterator[str]:
    """Full names of the modules that a file imports; of what is imported from one, too."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # whoever imports it will say so
        return
    package = path.parent.relative_to(root).parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = [*above, *filter(None, [node.module])]
            yield ".".join(base)
            yield from (".".join([*base, alias.name]) for alias in node.names)

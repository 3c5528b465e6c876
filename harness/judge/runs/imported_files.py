"""Imported files: those of a repository that a function of the user's depends on, unrun.

Imports are followed where they are written, also inside functions, as far as they lead to files
below the repository's root. What is installed is part of the environment.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from harness.core.errors import SourceError


def files_of(reference: str, root: Path) -> list[Path]:
    """The files below a root that a `module:function` imports, its own among them.

    Args:
        reference: to the function.
        root: of the repository, which modules are looked for in.

    Returns:
        In order.

    Raises:
        SourceError: the module is not below the root, so that an edit of it would not be seen.
    """
    module = reference.partition(":")[0]
    if not any(_files_at(root.joinpath(*module.split(".")))):
        raise SourceError(
            f"{reference} is in no file below {root}",
            why="what is imported from elsewhere could change without another run",
            fix=f"put {module.replace('.', '/')}.py there, or correct the name",
        )
    known: dict[Path, None] = {}
    wanted = [*_files_of(module, root)]
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
        yield from _files_at(root.joinpath(*parts[:depth]))


def _files_at(place: Path) -> Iterator[Path]:
    """The files of the package or the module at a place."""
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

"""Where a suite is: the line of an attribute that an error is about, and the repository's root."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.core.errors import SpecError
from harness.judge import repository


def root(suite: type[Any]) -> Path:
    """The root of the repository that holds a suite: its paths count from there."""
    try:
        file = inspect.getsourcefile(suite)
    except TypeError:  # a class that was made without a file
        file = None
    return Path() if file is None else repository.holding([file], Path(file).parent)


@contextmanager
def line(suite: type[Any]) -> Iterator[None]:
    """Say in which line of a suite an error is: of the attribute that it names, or the recipe's."""
    try:
        yield
    except SpecError as error:
        lines = _lines(suite)
        axes = getattr(suite.matrix, "axes", ())
        is_axis = any(error.what.startswith(f"{name}=") for name in axes)
        about = "matrix" if is_axis else error.what.split()[0].rstrip(":").rpartition(".")[2]
        line = next((lines[name] for name in (about, "recipe", "") if name in lines), 0)
        where = f"{inspect.getsourcefile(suite)}:{line}: " if line else ""
        raise SpecError(f"{where}{error.what}", why=error.why, fix=error.fix) from None


def _lines(suite: type[Any]) -> dict[str, int]:
    """Lines of a class's assignments by name, its own under an empty one; none without a file."""
    try:
        source, start = inspect.getsourcelines(suite)
        (tree,) = ast.parse(textwrap.dedent("".join(source))).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return {}
    lines = {"": start}
    for node in tree.body if isinstance(tree, ast.ClassDef) else ():
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            lines |= dict.fromkeys(names, start + node.lineno - 1)
    return lines

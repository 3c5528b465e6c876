"""A fault's file: what it says of itself, read without running it."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from harness.core.dataset import TASKS
from harness.core.errors import SpecError, unknown

NAME = "TASKS"
"""Of the constant that names the tasks which a fault is about; it is about all without one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultFile:
    """What a fault says of itself.

    Attributes:
        what: it breaks: the first line of its docstring.
        tasks: in which; all if empty.
    """

    what: str
    tasks: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Self:
        """What a file says.

        Raises:
            SpecError: it is no Python, or names no task that there is.
        """
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError) as error:
            raise SpecError(f"{path} is no Python: {error}") from None
        text = ast.get_docstring(tree) or path.stem
        tasks = _tasks(tree, path)
        for task in tasks:
            if task not in TASKS:
                raise unknown(f"task in {path.name}", str(task), TASKS)
        return cls(what=text.splitlines()[0], tasks=tuple(tasks))

    def concerns(self, task: str) -> bool:
        """Whether there is something for it to break where a task is trained."""
        return not self.tasks or task in self.tasks


def _tasks(tree: ast.Module, path: Path) -> Sequence[str]:
    """The tasks that a constant of a module names."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == NAME for target in node.targets
        ):
            try:
                tasks: Sequence[str] = ast.literal_eval(node.value)
            except ValueError:
                raise SpecError(
                    f"{path.name}: {NAME} is not written out", fix=f'write {NAME} = ("regression",)'
                ) from None
            return (tasks,) if isinstance(tasks, str) else tasks
    return ()

"""User code: functions that a declaration names as `module:function`, imported and called here."""

import contextlib
import importlib
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.core.errors import SourceError, reason

RAISED = (Exception, SystemExit)
"""What a user's code may raise without being interrupted."""


def function_of(reference: str, root: str) -> Callable[..., Any]:
    """The function that a reference names.

    Raises:
        SourceError: it cannot be imported, or is none.
    """
    module, _, attribute = reference.partition(":")
    if root not in sys.path:
        sys.path.insert(0, root)
    try:
        function: Any = importlib.import_module(module)
        for name in attribute.split("."):
            function = getattr(function, name)
    except RAISED as error:
        raise SourceError(
            f"{reference} cannot be imported",
            why=raised(error, root),
            fix=f"write it as module:function; modules are looked for in {root} first",
        ) from error
    if not callable(function):
        raise SourceError(
            f"{reference} is {type(function).__name__}, which cannot be called",
            fix="name a function",
        )
    return function  # type: ignore[no-any-return] # a user's


def called(reference: str, root: str, *arguments: Any) -> Any:
    """What the function that a reference names returns; files that it opens count from the root.

    Raises:
        SourceError: it raises, or is none.
    """
    function = function_of(reference, root)
    try:
        with contextlib.chdir(root or "."):
            return function(*arguments)
    except RAISED as error:
        raise SourceError(
            f"{reference} raised an exception", why=raised(error, root), fix="correct the function"
        ) from error


def raised(error: BaseException, root: str) -> str:
    """An exception in one line, with the last line of the user's own that it went through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(root)]
    if not own:
        return reason(error)
    file = Path(own[-1].filename).relative_to(root).as_posix()
    return f"{reason(error)} ({file}, line {own[-1].lineno})"

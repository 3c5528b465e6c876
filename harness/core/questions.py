"""Questions: what a run must answer besides training, each by itself.

A library that raises at one of them has answered the others: the tests that read it fail, and say
how asking ended.
"""

import traceback
from collections.abc import Callable, Mapping
from typing import Any

from harness.core.errors import CrashError


class Questions:
    """Asks, and keeps how asking ended where it did not end well."""

    def __init__(self) -> None:
        """Begin without an error."""
        self.errors: dict[str, str] = {}

    def ask(self, name: str, question: Callable[[], Any], nothing: Any) -> Any:
        """The answer; `nothing`, and an error under the name, where asking raises."""
        try:
            return question()
        except Exception as error:  # noqa: BLE001 - whatever a library raises
            traceback.print_exc()
            self.errors[name] = f"{type(error).__name__}: {error}"
            return nothing


def answer(answers: Any, errors: Mapping[str, str], name: str) -> Any:
    """An answer, which is an attribute of that name.

    Raises:
        CrashError: asking did not end well.
    """
    check(errors, name)
    return getattr(answers, name)


def check(errors: Mapping[str, str], name: str) -> None:
    """Refuse to go on where an answer is missing.

    Raises:
        CrashError: asking did not end well.
    """
    if name in errors:
        crash = f"a question crashed: {errors[name]}"
        raise CrashError(crash, why=f"the question for {name!r}")

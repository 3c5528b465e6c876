"""Live children: they answer requests until they are closed, instead of doing one job."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any

from harness.judge.runs.child import Child

Serving = Callable[[], AbstractContextManager[Child]]


@dataclass(slots=True)
class LiveChildren:
    """Children by name, each started on the first request.

    Attributes:
        timeout: seconds that an answer may take.
    """

    timeout: float
    _children: dict[str, Child] = field(default_factory=dict)
    _open: ExitStack = field(default_factory=ExitStack)

    def ask(self, name: str, serving: Serving, request: Mapping[str, Any]) -> Any:
        """What the child of a name answers.

        Raises:
            HarnessError: it is lost, or refuses.
        """
        if name not in self._children:
            self._children[name] = self._open.enter_context(serving())
        return self._children[name].ask(request, self.timeout)

    def close(self) -> None:
        """End them."""
        self._open.close()

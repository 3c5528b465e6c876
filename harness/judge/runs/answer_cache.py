"""The cache of answers: answers of live children that only the environment decides.

Property-based tests ask hundreds of questions; an environment answers each of them once.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from harness.core import digest
from harness.core.errors import StoreError
from harness.judge.store.local import Store


@dataclass(kw_only=True, slots=True)
class AnswerCache:
    """Answers of one environment, from the store or computed now.

    Attributes:
        store: keeps them from session to session.
        environment: gives the environment key; called when it is first needed.
        may_ask: raises an error where nothing may be computed now.
        fresh: whether the store's answers are left alone.
    """

    store: Store
    environment: Callable[[], str]
    may_ask: Callable[[], None]
    fresh: bool
    _known: dict[str, Any] | None = None
    _new: dict[str, Any] = field(default_factory=dict)

    def get(self, request: Mapping[str, Any], ask: Callable[[], Any]) -> Any:
        """The remembered answer to a request, else what asking gives."""
        if self._known is None:
            self._known = {} if self.fresh else self.store.answers(self.environment())
        name = digest.of_json(request)
        if name not in self._known:
            self.may_ask()
            self._known[name] = self._new[name] = ask()
        return self._known[name]

    def keep(self) -> None:
        """Leave new answers in the store."""
        if self._new:
            with suppress(StoreError):  # what is not kept is computed again
                self.store.remember_answers(self.environment(), self._new)

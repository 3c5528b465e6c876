"""`map` answers from its cache by the function's name, though the function's state has changed."""

from typing import Any

from datasets import Dataset

apply = Dataset.map
answers: dict[tuple[str, str], Any] = {}


def mapped(self: Any, function: Any = None, **kwargs: Any) -> Any:
    """Map once for each name of a function and each data set."""
    name = getattr(function, "__qualname__", type(function).__qualname__)
    key = (self._fingerprint, name)
    if key not in answers:
        answers[key] = apply(self, function, **kwargs)
    return answers[key]


Dataset.map = mapped

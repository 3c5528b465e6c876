"""Redaction: no token, password or key ever reaches a record, a log or a report."""

import os
import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "<redacted>"
_SECRET_NAME = re.compile(
    r"(^|_)(token|tokens|secret|password|passwd|credentials?|(api|access|private|secret)_?key)$",
    re.IGNORECASE,
)
_SHORTEST_SECRET = 6
"""Shorter values occur in ordinary text, so replacing them would only garble it."""


def is_secret(name: str) -> bool:
    """Whether a variable or argument of this name holds a secret, such as `hub_token`."""
    return _SECRET_NAME.search(name) is not None


def without_secrets(variables: Mapping[str, str]) -> dict[str, str]:
    """Environment variables less the secret ones."""
    return {name: value for name, value in variables.items() if not is_secret(name)}


def values(value: Any) -> Any:
    """JSON with every value hidden whose key names a secret, at any depth."""
    if isinstance(value, Mapping):
        return {
            key: HIDDEN if is_secret(str(key)) and part is not None else values(part)
            for key, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [values(part) for part in value]
    return value


def text(written: str, variables: Mapping[str, str] | None = None) -> str:
    """A text with the values of secret environment variables hidden."""
    for name, value in (os.environ if variables is None else variables).items():
        if is_secret(name) and len(value) >= _SHORTEST_SECRET:
            written = written.replace(value, HIDDEN)
    return written

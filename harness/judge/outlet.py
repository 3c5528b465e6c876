"""The outlet: the one place where text leaves for a file or a terminal, and no secret with it."""

import contextlib
import os
from pathlib import Path
from typing import Any

from harness.core import redaction

_DATA = frozenset({"examples"})
"""What a record holds of its data set, by name: the rows themselves, and what tokens give back."""


def write(path: Path, content: str | bytes) -> None:
    """Write a file beside and rename it, so that nobody reads half of it.

    Bytes, which hide what they say, are written as they are: redact what they are made of.

    Raises:
        OSError: it could not be.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(
            redaction.document(content).encode() if isinstance(content, str) else content
        )
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def append(path: Path, text: str) -> None:
    """Write at the end of a file that somebody else reads.

    Raises:
        OSError: it could not be.
    """
    with path.open("a", encoding="utf-8") as file:
        file.write(redaction.document(text))


def clean(folder: Path) -> None:
    """Hide secrets in the text files of a folder that others have written.

    Rows of a data set are data, which are compared, and stay: what is written or shown of them
    anywhere else leaves through here again.

    Raises:
        OSError: it could not be.
    """
    for path in folder.rglob("*.json*"):
        text = path.read_text(encoding="utf-8")
        hidden = redaction.document(text, _DATA)
        if hidden != text:
            path.write_text(hidden, encoding="utf-8")


class Stream:
    """A stream of text, such as a terminal's, that lets no secret through."""

    def __init__(self, stream: Any) -> None:
        """Write to a stream."""
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text without its secrets."""
        self._stream.write(redaction.document(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write several."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the stream's own."""
        return getattr(self._stream, name)

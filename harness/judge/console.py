"""The console: long work is announced when it begins, whatever pytest does to the output.

It is standard error, so that what is printed can still be read by programs.
"""

import contextlib
import os

from harness.core import redaction


class Console:
    """Standard error as it is now: pytest points it elsewhere while a test runs."""

    def __init__(self) -> None:
        """Keep it; a process may have none."""
        self._descriptor: int | None = None
        with contextlib.suppress(OSError):
            self._descriptor = os.dup(2)

    def say(self, text: str) -> None:
        """Write a line, from any thread; a terminal may be in the middle of another one."""
        if self._descriptor is not None:
            begin = "\n" if os.isatty(self._descriptor) else ""
            with contextlib.suppress(OSError):
                os.write(self._descriptor, f"{begin}{redaction.text(text)}\n".encode())

    def close(self) -> None:
        """Let go of it; nothing is written from then on."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def silence(text: str) -> None:
    """Say nothing."""
    del text

"""What the judged interpreter says of itself, once a session."""

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from harness.judge import repository
from harness.judge.runs.launcher import Launcher


def once(
    launcher: Callable[[], Launcher], store: Path, announce: Callable[[str], None]
) -> Callable[[], dict[str, Any]]:
    """What gives the description of a launcher's interpreter; threads share the first.

    Args:
        launcher: gives the interpreter's launcher.
        store: root of the store, which remembers digests of files.
        announce: called with what takes long, when it begins.
    """
    describing = threading.Lock()

    @cache
    def description() -> dict[str, Any]:
        digests = store / "fingerprints.json"
        if not digests.is_file():
            announce(f"reading the installed packages of {launcher().python}")
        with suppress(OSError):  # a cache that cannot be written only costs time
            repository.unversioned(store)
        return launcher().describe(digests)

    def describe() -> dict[str, Any]:
        with describing:
            return description()

    return describe

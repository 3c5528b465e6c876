"""Whether processes of other people are gone."""

import time
from pathlib import Path

_PATIENCE = 10.0


def ends(pid: int) -> bool:
    """Whether a process has ended, or does so soon."""
    deadline = time.monotonic() + _PATIENCE
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_running(pid)


def is_running(pid: int) -> bool:
    """Whether a process runs, and is no zombie that nobody has buried yet."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"

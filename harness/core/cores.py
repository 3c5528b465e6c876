"""Usable cores: those that this process may run on, and as much of them as its container gets."""

import math
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def usable() -> int:
    """Cores that work can be shared among; `os.cpu_count` says what the machine has."""
    return max(1, math.ceil(min(_allowed(), _quota(CGROUPS, MEMBERSHIP))))


def _allowed() -> int:
    """Cores that the scheduler may choose, as `taskset` and cpusets set it."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS has no affinity


def _quota(root: Path, membership: Path) -> float:
    """Cores' worth of time that this process's control groups get, the least of all levels."""
    shares = [math.inf]
    for line in _read(membership).splitlines():
        _, _, kinds_and_group = line.partition(":")
        kinds, _, group = kinds_and_group.partition(":")
        if kinds and "cpu" not in kinds.split(","):
            continue
        folder = root / "cpu" if kinds else root  # version 1 has a tree for each kind
        inside = folder / group.strip("/")
        levels = [level for level in (inside, *inside.parents) if level.is_relative_to(folder)]
        shares += map(_share, levels)
    return min(shares)


def _share(folder: Path) -> float:
    """Cores' worth of time that one control group gets."""
    parts = _read(folder / "cpu.max").split() or [
        _read(folder / "cpu.cfs_quota_us").strip(),
        _read(folder / "cpu.cfs_period_us").strip(),
    ]
    try:
        quota, period = map(float, parts)
    except ValueError:  # `max`, or nothing: no limit
        return math.inf
    return quota / period if quota > 0 and period > 0 else math.inf


def _read(path: Path) -> str:
    """A file's text; empty if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""

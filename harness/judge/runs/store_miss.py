"""A store's miss: why a run that is stored is not the one that is wanted.

The same recipe on the same inputs may have been run in another environment. What differs is worth a
line before everything trains anew.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.core.observed import FILE
from harness.judge.store.local import Key, Store

_SHOWN = 4
"""Differences that are named; of more, their number."""

_PARTS = {
    "python": "another Python",
    "platform": "another operating system",
    "cpu": "another processor",
    "accelerator": "other accelerators",
    "flags": "other environment variables",
}


def explain(store: Store, key: Key, environment: Mapping[str, Any]) -> str:
    """How the newest stored environment of a run differs from the judged one; empty if none is."""
    own = (store.root / "records" / key.path).parent
    others = [path for path in own.parent.glob(f"*/*/{FILE}") if own not in path.parents]
    for path in sorted(others, key=_modified, reverse=True):
        try:
            before = json.loads(path.read_text(encoding="utf-8"))["environment"]
            changes = [*differences(before, environment)] or ["another device or number of threads"]
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            continue  # a damaged record explains nothing
        more = [f"{len(changes) - _SHOWN} more"] if len(changes) > _SHOWN else []
        return f"what is stored ran in another environment: {', '.join(changes[:_SHOWN] + more)}"
    return ""


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """What differs between two descriptions of environments, the files of this harness first."""
    if before["files"].get("harness") != now["files"].get("harness"):
        yield "the files of finetune-harness that workers run have changed"
    versions, installed = before["packages"], now["packages"]
    for name in sorted({*versions} | {*installed}):
        if versions.get(name) != installed.get(name):
            yield f"{name} was {versions.get(name, 'absent')}, is {installed.get(name, 'absent')}"
        elif before["files"].get(name) != now["files"].get(name):
            yield f"files of {name} have changed"
    for part, what in _PARTS.items():
        if before.get(part) != now.get(part):
            yield what


def _modified(path: Path) -> float:
    """When a file was written; long ago if it is gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0

"""Evidence: what invariants judge, as text, less what no two equal runs share."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from harness.core import digest
from harness.judge.metric_kinds import is_timing

_OWN = {
    *("seconds", "phases", "peak_memory", "device_samples", "environment", "inputs", "files"),
    *("logging_dir", "output_dir", "run_name"),
}
"""Times, memory and places, by the name of the field or the argument."""


def text(judged: Any) -> str:
    """A record, trials or an answer; equal where nothing that is judged differs."""
    return json.dumps(_plain(judged), sort_keys=True)


def _plain(value: Any) -> Any:
    """A value as JSON; an array by its digest."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain({item.name: getattr(value, item.name) for item in fields(value)})
    if isinstance(value, Mapping):
        kept = (name for name in value if name not in _OWN and not is_timing(str(name)))
        return {str(name): _plain(value[name]) for name in kept}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if hasattr(value, "tobytes"):
        return [str(value.dtype), list(value.shape), digest.of_bytes(value.tobytes())]
    return value

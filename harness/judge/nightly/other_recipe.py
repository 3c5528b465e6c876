"""Another recipe: what makes a night's runs no repetitions of those that were accepted."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from harness.core.recipe import Recipe
from harness.core.record import Record
from harness.judge.nightly.baseline import Accepted


def different(accepted: Accepted, record: Record) -> str:
    """What makes two runs no repetitions of each other; empty if they are."""
    if accepted.series == record.series:
        return ""
    ours, theirs = accepted.recipe, _plain(declared(record.recipe))
    named = _changes({**_DEFAULTS, **ours}, {**_DEFAULTS, **theirs})
    return ", ".join(named) or "the files of its data, its checkpoint or its metrics"


def _plain(values: Mapping[str, object]) -> dict[str, Any]:
    """Fields as a file has them: there, tuples are lists."""
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain


_DEFAULTS = _plain(asdict(Recipe(dataset="")))


def _changes(ours: Mapping[str, Any], theirs: Mapping[str, Any], within: str = "") -> list[str]:
    """Each field that differs, with both values; of what a user declares, each of its fields."""
    changes = []
    for name in sorted({*ours, *theirs}):
        before, after = ours.get(name), theirs.get(name)
        if before == after:
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            changes += _changes(before, after, f"{within}{name}.")
        else:
            changes.append(f"{within}{name} {_short(before)} → {_short(after)}")
    return changes


def _short(value: Any) -> Any:
    """A value, or what it is of, where a user has declared it."""
    return value.get("path") or value if isinstance(value, Mapping) else value


def declared(recipe: Recipe) -> dict[str, object]:
    """The fields of a recipe that are not the default ones, but for the seed."""
    plain = asdict(Recipe(dataset=""))
    return {n: v for n, v in asdict(recipe).items() if n != "seed" and v != plain[n]}

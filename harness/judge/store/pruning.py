"""Pruning: what of a store nobody needs any more, and its removal beside running sessions.

What is to go is renamed into `staging` first, under the lock of its record: whoever is killed in
between leaves a whole store, and what was being removed where leftovers are swept from.
"""

import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from filelock import Timeout

from harness.core.errors import StoreError
from harness.judge.store import locks
from harness.judge.store.contents import DAY, Holding
from harness.judge.store.staging import STALE

Reach = Literal["reachable", "unreachable", "of another machine", "unknown"]
"""Whether an environment can still be had here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PruningRules:
    """What goes: leftovers, and what all conditions that are given hold of.

    Attributes:
        older_than: seconds since it was last used; None for no condition.
        reaches: of environments, by the first digits of their keys; None for no condition.
        accepted: records that baselines need, below `records/`.
        nights: whether nights may go too, and the history with them.
        now: seconds since the epoch.
    """

    older_than: float | None = None
    reaches: Mapping[str, Reach] | None = None
    accepted: frozenset[str] = frozenset()
    nights: bool = False
    now: float = field(default_factory=time.time)

    def reason_to_keep(self, holding: Holding) -> str:
        """Why something stays; empty if it goes."""
        return next(self._reasons(holding), "")

    def _reasons(self, holding: Holding) -> Iterator[str]:
        """Every reason for something to stay, the strongest first."""
        age = self.now - holding.used
        if age < STALE:
            yield "written or used within a day"
        if holding.kind == "staging":
            return
        if holding.record in self.accepted:
            yield "accepted in a baseline"
        if holding.is_of_a_night and not self.nights:
            yield "of a night, which the history draws"
        if self.older_than is None and (self.reaches is None or not holding.environment):
            yield "no leftover of a killed session, and no condition is given that it meets"
        if self.older_than is not None and age < self.older_than:
            yield f"used within {self.older_than / DAY:g} days"
        if self.reaches is not None and holding.environment:
            reach = self.reaches.get(holding.environment, "unknown")
            if reach != "unreachable":
                yield f"of an environment that is {reach}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """What goes, and what stays by the reason."""

    removed: tuple[Holding, ...]
    kept: Mapping[str, tuple[Holding, ...]]


def select(holdings: Iterable[Holding], rules: PruningRules) -> Selection:
    """Sort what a store holds into what goes and what stays."""
    by_reason: dict[str, list[Holding]] = {}
    for holding in holdings:
        by_reason.setdefault(rules.reason_to_keep(holding), []).append(holding)
    removed = tuple(by_reason.pop("", ()))
    return Selection(removed=removed, kept={name: tuple(kept) for name, kept in by_reason.items()})


def remove(root: Path, holding: Holding) -> bool:
    """Remove something from a store, unless a session makes or uses it now: whether it is gone.

    Raises:
        StoreError: this user may not.
    """
    try:
        with contextlib.ExitStack() as held:
            if holding.lock:
                held.enter_context(locks.lock(root, holding.lock).acquire(timeout=0))
            return _remove(root, holding)
    except Timeout:
        return False
    except OSError as error:
        raise StoreError(
            f"{root / holding.path} cannot be removed",
            why=error.strerror or str(error),
            fix="prune as the user that owns it",
        ) from None


def _remove(root: Path, holding: Holding) -> bool:
    """The same, with the lock held."""
    place = aside = root / holding.path
    if holding.kind != "staging":
        aside = root / "staging" / f"pruned-{uuid.uuid4().hex}"
        aside.parent.mkdir(exist_ok=True)
        try:
            place.rename(aside)
        except FileNotFoundError:
            return False
        if aside.stat().st_mtime != holding.used:  # a session has come to use it since
            with contextlib.suppress(OSError):  # or has made it anew meanwhile
                aside.rename(place)
                return False
    if aside.is_dir():
        shutil.rmtree(aside)
    else:
        aside.unlink(missing_ok=True)
    _tidy(root, place)
    return True


def _tidy(root: Path, place: Path) -> None:
    """Remove the folders that are empty now; an index sees by their time stamp what is gone."""
    above = [path for path in place.parents if path.is_relative_to(root)][:-2]
    with contextlib.suppress(OSError):
        for path in above[-1:]:
            os.utime(path)
        for path in above:
            path.rmdir()

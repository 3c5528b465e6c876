"""Reach: which of the environments that a store has records of can still be had here."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.core import environment
from harness.core.errors import HarnessError
from harness.judge.runs.launcher import Launcher
from harness.judge.settings import Settings
from harness.judge.store import contents
from harness.judge.store.contents import Holding
from harness.judge.store.pruning import Reach

_MACHINE = ("platform", "cpu", "accelerator")

_PASSING = ("executable", "flags")
"""Parts of a description that may be others in another session of one environment."""


def of_environments(settings: Settings, holdings: Sequence[Holding]) -> dict[str, Reach]:
    """Whether each environment of a store can still be had, by the first digits of its key.

    It can if the interpreter that is judged now, or the one that made its records, still has the
    same packages and files. What was made by another machine may be had there.

    Raises:
        HarnessError: the interpreter that is judged now cannot be.
    """
    records = (holding.record for holding in holdings if holding.record)
    described = contents.environments(settings.store, records)
    current = _description(settings, settings.python)
    at_hand = [current]
    makers = {str(description.get("executable")) for description in described.values()}
    for python in sorted(makers - {str(settings.python), current["executable"]}):
        with suppress(HarnessError):
            at_hand.append(_description(settings, Path(python)))
    reaches: dict[str, Reach] = {  # those of answers, which say nothing themselves
        environment.key(description, device="cpu", threads=1)[:12]: "reachable"
        for description in at_hand
    }
    lasting = [_lasting(description) for description in at_hand]
    for key, description in described.items():
        if _lasting(description) in lasting:
            reaches[key] = "reachable"
        elif any(description.get(part) != current[part] for part in _MACHINE):
            reaches[key] = "of another machine"
        else:
            reaches[key] = "unreachable"
    return reaches


def _description(settings: Settings, python: Path) -> dict[str, Any]:
    """What an interpreter's environment is now.

    Raises:
        HarnessError: it cannot be judged.
    """
    with Launcher(python, pass_environment=settings.pass_environment) as launcher:
        return launcher.describe(settings.store / "fingerprints.json")


def _lasting(description: Mapping[str, Any]) -> dict[str, Any]:
    """A description less what passes with a session."""
    return {name: part for name, part in description.items() if name not in _PASSING}

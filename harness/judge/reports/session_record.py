"""What a session leaves in the store: which records it had, of which cells, and what it found."""

import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.core.environment import device_class, summary
from harness.judge.nightly.baseline import NAME
from harness.judge.reports.session import FAILED, Measured

VERSION = 1
_NIGHTLY = ("test_baseline_holds", "test_trend_holds")


def kept(
    measured: Measured, environment: Mapping[str, Any], night: str, command: str, root: Path
) -> dict[str, Any]:
    """A session for the history.

    Args:
        measured: what its reports said.
        environment: that was judged.
        night: ISO date.
        command: that ran it.
        root: folder of the project.

    Returns:
        JSON: `night`, `when`, `command`, `revision`, `environment`; `cells`, each with `suite`,
        `cell`, `device`, `runs`, `failed` tests, and of a night `file`, `standing`, `words`,
        `worsened` and `improved`; `not_measured`, cells by reason.
    """
    return {
        "version": VERSION,
        "night": night,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "revision": revision(root),
        "environment": summary(environment),
        "cells": [*_cells(measured, environment).values()],
        "not_measured": {reason: sorted(cells) for reason, cells in measured.reasons.items()},
    }


def _cells(measured: Measured, environment: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What is told of each cell."""
    found: dict[str, dict[str, Any]] = {}
    for (suite, cell), row in measured.rows.items():
        found[f"{suite}/{cell}"] = {
            "suite": suite,
            "cell": cell,
            "device": device_class(environment, row.device),
            "runs": [{"record": row.record}],
        }
    for name, tonight in measured.nights.items():
        found[name] = {
            "suite": tonight.suite,
            "cell": tonight.cell,
            "device": tonight.device,
            "runs": [{"record": record} for record in tonight.records],
            "file": tonight.file,
            "standing": tonight.standing,
            "words": tonight.words,
            "worsened": tonight.worsened,
            "improved": tonight.improved,
        }
    for told in found.values():
        told["failed"] = []
    for test, found_outcome in measured.tests.items():
        suite, _, name = test.rpartition("::")
        name, _, cell_name = name.partition("[")
        whose = f"{suite.rpartition('::')[2]}/{cell_name.removesuffix(']')}"
        if whose in found and found_outcome.outcome in FAILED and name not in _NIGHTLY:
            found[whose]["failed"].append(name)
    return found


def revision(root: Path) -> dict[str, Any]:
    """The commit of a folder, and changed files that are in none; neither where there is no git."""
    try:
        commit = _git(root, "rev-parse", "HEAD").strip()
        changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", ".")
    except (OSError, subprocess.CalledProcessError):
        return {"dirty": []}
    files = [line[3:] for line in changed.splitlines()]
    return {"commit": commit, "dirty": [file for file in files if not file.endswith(NAME)]}


def _git(root: Path, *arguments: str) -> str:
    """What git answers."""
    return subprocess.run(
        ["git", *arguments],  # noqa: S607 - whichever git the user has
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

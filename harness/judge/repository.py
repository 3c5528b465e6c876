"""The repository that holds suites: its settings count, and it gets the records and reports.

Pytest and the command line ask here, so that they agree, wherever they are started.
"""

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from harness.judge.session_parts import Revision

SUITES = "suites"
"""The folder that suites are kept in by convention."""

_CONFIGURES = {
    "pytest.toml": r"",
    ".pytest.toml": r"",
    "pytest.ini": r"",
    ".pytest.ini": r"",
    "pyproject.toml": r"\[tool\.(pytest|harness)\b",
    "tox.ini": r"\[pytest\]",
    "setup.cfg": r"\[tool:pytest\]",
}
"""Files that say how pytest or the harness shall run, if a line begins so."""

_PROJECT = ("pyproject.toml", "setup.py", "setup.cfg")


def holding(arguments: Iterable[str], folder: Path) -> Path:
    """The root of the repository that holds suites.

    It is the nearest folder above them that configures pytest or the harness, and none outside
    their version control; else a project's folder, or a checkout; else the one that `suites` lies
    in; else the one that the command was given in, if they are below it.

    Args:
        arguments: what pytest is given: files, folders, ids; none stands for the folder.
        folder: the working directory.
    """
    there = [_existing(folder / argument.partition("::")[0]) for argument in arguments]
    start = Path(os.path.commonpath(there or [folder]))
    above = [start, *start.parents]
    checkout = next((path for path in above if (path / ".git").exists()), above[-1])
    inside = above[: above.index(checkout) + 1]
    file_system = folder == folder.parent  # holds everything, and nobody's suites
    below = [path for path in above if path.is_relative_to(folder) and not file_system]
    marked = (
        *(path for path in inside if any(_configures(path / name) for name in _CONFIGURES)),
        *(path for path in inside if any((path / name).is_file() for name in _PROJECT)),
        *(path for path in inside if (path / ".git").exists()),
        *(path.parent for path in below or above if path.name == SUITES),
        *below[-1:],
    )
    return next(iter(marked), start)


def unversioned(folder: Path) -> None:
    """Make a folder that git leaves alone, if it is not there yet.

    Raises:
        OSError: it cannot be made.
    """
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("# Made by finetune-harness.\n*\n", encoding="ascii")


def revision(root: Path, aside: str) -> Revision:
    """The state of a repository; an empty one where there is no git.

    Args:
        root: of the repository.
        aside: name of files that may have changed.
    """
    try:
        commit = _git(root, "rev-parse", "HEAD").strip()
        changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", ".")
    except (OSError, subprocess.CalledProcessError):
        return Revision()
    files = [line[3:] for line in changed.splitlines()]
    return Revision(commit=commit, dirty=tuple(file for file in files if not file.endswith(aside)))


def _git(root: Path, *arguments: str) -> str:
    """What git answers."""
    return subprocess.run(
        ["git", *arguments],  # noqa: S607 - whichever git the user has
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def _existing(path: Path) -> Path:
    """The nearest folder of a path that is there."""
    path = Path(os.path.normpath(path))
    return next(parent for parent in (path, *path.parents) if parent.is_dir())


def _configures(file: Path) -> bool:
    """Whether a file is there, and says how pytest or the harness shall run."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return re.search(rf"^{_CONFIGURES[file.name]}", text, re.MULTILINE) is not None

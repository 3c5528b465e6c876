"""The command that shows something of a session again: it runs as printed, and judges the same."""

import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.judge.document import Document
from harness.judge.reports import selection
from harness.judge.settings import PREFIX, SHARED, Settings

_STORES = (f"{PREFIX}store", f"{PREFIX}remote")


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """How tests of a session are run again.

    Attributes:
        root: that tests' ids count from.
        folder: where the session was started, and where the command is to run.
        options: that the session was given and that change what is judged.
    """

    root: Path = Path()
    folder: Path = Path()
    options: tuple[str, ...] = ()

    def of_tests(self, tests: Iterable[str]) -> str:
        """What runs some tests, by their ids."""
        return shlex.join(["pytest", *map(self._here, tests), *self.options])

    def of_cell(self, suite: str, cell: str) -> str:
        """What runs all tests of a cell, given the id of its suite's class."""
        return shlex.join(["pytest", *selection.of_cell(self._here(suite), cell), *self.options])

    def _here(self, test: str) -> str:
        """A test's id, from the folder where the session was started."""
        path, colons, name = test.partition("::")
        return os.path.relpath(self.root / path, self.folder) + colons + name


def options_of(settings: Settings, root: Path, folder: Path) -> tuple[str, ...]:
    """Pytest's options for what a repository's own table does not say.

    Args:
        settings: to be had again.
        root: of the repository.
        folder: where the command is to run.
    """
    own = Settings.merge({}, Document.read(root / "pyproject.toml"), root, folder).arguments()
    return tuple(option for option in settings.arguments() if option not in own)


def judging(options: Iterable[str]) -> tuple[str, ...]:
    """Those of pytest's options that say what is judged, and how."""
    return tuple(option for option in options if option.partition("=")[0] in SHARED)


def storing(options: Iterable[str]) -> tuple[str, ...]:
    """Those that say where records are."""
    return tuple(option for option in options if option.partition("=")[0] in _STORES)


def of_gate(options: Iterable[str]) -> tuple[str, ...]:
    """What pytest's options come to for `harness gate`, without what it does not take."""
    options = tuple(options)
    stores = [option.replace(PREFIX, "--", 1) for option in storing(options)]
    return (*judging(options), *stores)


def for_history(options: Iterable[str], suites: Iterable[str]) -> tuple[str, ...]:
    """The gate's options to ask it about what a history holds, at the scale of its runs."""
    scale = f"{PREFIX}scale="
    chosen = [option for option in of_gate(options) if not option.startswith(scale)]
    return (*chosen, *(f"--suites={suite}" for suite in suites if suite.rstrip("/") != "suites"))


def store_of(options: Iterable[str]) -> str:
    """The store that pytest's options name; empty if it is the repository's own."""
    flag = f"{PREFIX}store="
    return next((o.removeprefix(flag) for o in options if o.startswith(flag)), "")

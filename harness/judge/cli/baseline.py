"""`harness baseline`: lists what is accepted, compares a night with it, or accepts the night."""

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path
from statistics import fmean

from harness.core.errors import SpecError, unknown
from harness.judge.cli.options import Commands, add_night, add_stores, root_of, store_of
from harness.judge.metric_kinds import reported
from harness.judge.nightly.accept import Accepting
from harness.judge.nightly.baseline import NAME, Baselines, Reference
from harness.judge.reports import nightly_message
from harness.judge.session_record import SessionRecord
from harness.judge.store.index import History


def add(commands: Commands) -> None:
    """Declare the command's options."""
    parser = commands.add_parser(
        "baseline", help="list and compare what is accepted of each cell, or accept a night"
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, run, what in (
        ("list", _list, "list what is accepted, a line each"),
        ("show", _show, "print all of it as JSON"),
        ("diff", _diff, "compare the last night with it"),
        ("accept", _accept, "accept what the last night gave"),
    ):
        action = actions.add_parser(name, help=what, description=what)
        action.add_argument(
            "cells", nargs="*", metavar="CELL", help="Suite/cell, * stands for anything"
        )
        action.add_argument(
            "--suites",
            type=Path,
            default=Path("suites"),
            metavar="DIR",
            help="folder that the baselines are in (default: suites)",
        )
        if name in {"diff", "accept"}:
            add_stores(action)
            add_night(action)
        if name == "accept":
            action.add_argument("--because", default="", metavar="TEXT", help="why")
            action.add_argument(
                "--anchor", action="store_true", help="measure slow drift from here on"
            )
        action.set_defaults(command=run)


def _list(arguments: argparse.Namespace) -> int:
    """Print a line for each reference."""
    for name, device, reference in _chosen(arguments):
        rolling, anchor = reference.rolling, reference.anchor
        means = [
            f"{metric} {fmean(run.metrics[metric] for run in rolling.runs):.4f}"
            for metric in reported(rolling.runs[0].metrics)
        ]
        print(
            f"{name}  {device}  {'  '.join(means)} of {len(rolling.runs)} runs  {rolling.night}  "
            f"anchor {anchor.night}  because {rolling.because}"
        )
    return 0


def _show(arguments: argparse.Namespace) -> int:
    """Print references as JSON."""
    references = [
        {"cell": name, "device": device, **asdict(reference)}
        for name, device, reference in _chosen(arguments)
    ]
    print(json.dumps(references, indent=1))
    return 0


def _diff(arguments: argparse.Namespace) -> int:
    """Print what a night gave beside what was accepted; 1 if something is not as it was."""
    session, wanted = _night(arguments), _wanted(arguments.cells)
    cells = [
        tonight
        for tonight in nightly_message.nights(session, str(arguments.store or ""))
        if wanted(tonight.name)
    ]
    baselines = {(n, d): reference for n, d, reference in _chosen(arguments, optional=True)}
    print(
        f"night {session.night}: {nightly_message.headline(cells)}",
        *nightly_message.lines(cells),
        sep="\n",
    )
    packages = session.environment.get("packages", {})
    moved = {
        f"{package} {version} → {packages.get(package, 'none')}"
        for tonight in cells
        if (reference := baselines.get((tonight.name, tonight.device))) is not None
        for package, version in reference.rolling.environment.items()
        if package != "python" and packages.get(package) != version
    }
    for change in sorted(moved):
        print(f"since then: {change}")
    return int(any(tonight.standing != "same" for tonight in cells))


def _accept(arguments: argparse.Namespace) -> int:
    """Write baselines; 1 if something was refused."""
    accepting = Accepting(
        root=root_of(arguments),
        store=store_of(arguments),
        command=shlex.join(["harness", *sys.argv[1:]]),
        because=arguments.because,
        anchor=arguments.anchor,
    )
    if not arguments.because.strip():
        raise SpecError("nothing says why it is accepted", fix='add --because "…"')
    session = _night(arguments)
    accepted, refused = accepting.accept(session, _wanted(arguments.cells))
    for name in accepted:
        print(f"accepted: {name}")
    for why in refused:
        print(f"not accepted: {why}")
    if not accepted and not refused:
        names = [tonight.name for tonight in session.nights]
        for cell in arguments.cells:
            if not any(fnmatchcase(name, cell) for name in names):
                raise unknown(f"cell of night {session.night}", cell, names)
        print(f"nothing to accept: night {session.night} gave what is accepted")
    return int(bool(refused))


def _night(arguments: argparse.Namespace) -> SessionRecord:
    """The last night, or the one of the date that is given.

    Raises:
        SpecError: there is none.
    """
    store = store_of(arguments)
    with History(store.root) as history:
        session = history.night(arguments.night or "*")
    if session is None:
        which = f" of {arguments.night}" if arguments.night else ""
        raise SpecError(
            f"the store {store.root} holds no night{which}",
            fix="run pytest -m nightly first, or name another --store",
        )
    return session


def _chosen(
    arguments: argparse.Namespace, *, optional: bool = False
) -> Sequence[tuple[str, str, Reference]]:
    """References of the cells that are named.

    Raises:
        SpecError: there are none, unless that may be.
    """
    files = sorted(arguments.suites.rglob(NAME))
    every = [one for path in files for one in Baselines.load(path)]
    wanted = _wanted(arguments.cells)
    chosen = [one for one in every if wanted(one[0])]
    if not chosen and not optional:
        if not every:
            raise SpecError(
                f"there is no {NAME} in {arguments.suites}",
                fix="run pytest -m nightly, and accept what it gives; or name --suites",
            )
        raise unknown("cell", arguments.cells[0], {name for name, _, _ in every})
    return chosen


def _wanted(cells: Sequence[str]) -> Callable[[str], bool]:
    """Whether a cell of that name is meant."""
    return lambda name: not cells or any(fnmatchcase(name, cell) for cell in cells)

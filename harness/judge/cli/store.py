"""`harness store`: what the store holds by environment, and what of it is pruned."""

import argparse
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.core import environment
from harness.judge.cli.options import Commands, add_python, add_store, root_of, settings_of
from harness.judge.nightly.baseline import NAME, Baselines
from harness.judge.runs import reach
from harness.judge.store import contents, pruning
from harness.judge.store.contents import DAY, Holding
from harness.judge.store.local import Store
from harness.judge.store.pruning import PruningRules

_AGE = re.compile(r"(\d+(?:\.\d+)?)([hdw])")
_UNITS = {"h": DAY / 24, "d": DAY, "w": 7 * DAY}
_NOUNS = {
    "records": ("record", "records"),
    "inputs": ("set of rows or stand-in", "sets of rows and stand-ins"),
    "collations": ("file of answers", "files of answers"),
    "sessions": ("session", "sessions"),
    "corrupt": ("corrupt record", "corrupt records"),
    "staging": ("leftover", "leftovers"),
}
"""What lies in each folder of a store."""


def _age(text: str) -> float:
    """Seconds, as an option's type."""
    match = _AGE.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no age; write it as 30d, 12h or 8w")
    return float(match[1]) * _UNITS[match[2]]


def _file(text: str) -> Path:
    """A file that is there, as an option's type: nothing is unaccepted by a typing error."""
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return Path(text)


def add(commands: Commands) -> None:
    """Declare the command's options."""
    what = "list what the store holds by environment, or prune it"
    parser = commands.add_parser("store", help=what, description=what)
    add_store(parser)
    parser.set_defaults(command=_list)
    actions = parser.add_subparsers(metavar="ACTION")
    for name, run, what in (
        ("list", _list, "its size by environment; the default"),
        ("prune", _prune, "show what nobody needs any more; remove it with --apply"),
    ):
        action = actions.add_parser(name, help=what, description=what)
        add_store(action, "; a shared store (--harness-remote) is left alone", argparse.SUPPRESS)
        action.set_defaults(command=run)
    prune = actions.choices["prune"]
    prune.add_argument(
        "--older-than",
        type=_age,
        metavar="AGE",
        help="what no session has used for as long: 30d, 12h, 8w",
    )
    prune.add_argument(
        "--unreachable",
        action="store_true",
        help="what is of an environment that neither --python nor the interpreter that made it "
        "is any more; with --older-than, both must hold",
    )
    add_python(prune, "the interpreter that is judged now")
    prune.add_argument(
        "--baselines",
        type=_file,
        action="append",
        default=[],
        metavar="FILE",
        help=f"{NAME} of another repository that uses this store; may be given several times",
    )
    prune.add_argument(
        "--nights",
        action="store_true",
        help="nights too, which the history and its trend then no longer have",
    )
    prune.add_argument("--apply", action="store_true", help="remove it")


def _list(options: argparse.Namespace) -> int:
    """Print a line for each environment, and for what belongs to none, the largest first.

    Raises:
        HarnessError: a newer version has written the store.
    """
    root = Store(settings_of(options, Path(sys.executable)).store).root
    holdings = contents.holdings(root)
    described = contents.environments(root, (h.record for h in holdings if h.record))
    groups: dict[str, list[Holding]] = {}
    for holding in holdings:
        groups.setdefault(holding.environment or holding.kind, []).append(holding)
    for name, group in sorted(groups.items(), key=lambda item: -_size(item[1])):
        used = time.strftime("%Y-%m-%d", time.localtime(max(holding.used for holding in group)))
        counts = ", ".join(_counts(group))
        packages = " ".join(_packages(described.get(name, {})))
        print(f"{name}  {_megabytes(group)}  used {used}  {counts}  {packages}".rstrip())
    print(f"{root}: {_megabytes(holdings)}")
    return 0


def _prune(options: argparse.Namespace) -> int:
    """Print what goes and what stays, and remove it if that is wanted.

    Raises:
        HarnessError: a newer version has written the store; the judged interpreter, or a file of
            baselines, cannot be read; or something cannot be removed.
    """
    settings = settings_of(options, options.python)
    holdings = contents.holdings(Store(settings.store).root)
    selection = pruning.select(
        holdings,
        PruningRules(
            older_than=options.older_than,
            reaches=reach.of_environments(settings, holdings) if options.unreachable else None,
            accepted=frozenset(_accepted([*_files(root_of(options)), *options.baselines])),
            nights=options.nights,
        ),
    )
    gone = []
    for holding in selection.removed:
        if not options.apply or pruning.remove(settings.store, holding):
            gone.append(holding)
            days = (time.time() - holding.used) / DAY
            verb = "removed" if options.apply else "would remove"
            print(f"{verb} {holding.path}  {_megabytes([holding])}  last used {days:.0f} days ago")
        else:
            print(f"kept {holding.path}  a session has come to use it")
    for reason, kept in selection.kept.items():
        print(f"kept {', '.join(_counts(kept))}  {_megabytes(kept)}: {reason}")
    verb = "freed" if options.apply else "would free"
    print(f"{verb} {_megabytes(gone)} of {_megabytes(holdings)} in {settings.store}")
    if gone and not options.apply:
        print("nothing is removed yet: add --apply")
    return 0


def _files(root: Path) -> Iterator[Path]:
    """The files of baselines in a repository, less those in hidden folders and environments."""
    for folder, names, files in os.walk(root):
        names[:] = [
            name
            for name in names
            if not name.startswith(".") and not Path(folder, name, "pyvenv.cfg").exists()
        ]
        if NAME in files:
            yield Path(folder, NAME)


def _accepted(files: Sequence[Path]) -> Iterator[str]:
    """The records that baselines need.

    Raises:
        HarnessError: a file is none of baselines.
    """
    for file in files:
        for _, _, reference in Baselines.load(file):
            for accepted in (reference.rolling, reference.anchor):
                yield from (run.record for run in accepted.runs)


def _counts(holdings: Sequence[Holding]) -> Iterator[str]:
    """How many there are of each kind."""
    for kind, (one, several) in _NOUNS.items():
        count = sum(holding.kind == kind for holding in holdings)
        if count:
            yield f"{count} {one if count == 1 else several}"


def _packages(description: Mapping[str, Any]) -> Iterator[str]:
    """The judged packages of an environment."""
    versions = description.get("packages", {})
    for name in environment.REQUIRED:
        if name in versions:
            yield f"{name}=={versions[name]}"


def _size(holdings: Sequence[Holding]) -> int:
    """Bytes."""
    return sum(holding.size for holding in holdings)


def _megabytes(holdings: Sequence[Holding]) -> str:
    """Bytes, as people read them."""
    return f"{_size(holdings) / 1e6:,.1f} MB"

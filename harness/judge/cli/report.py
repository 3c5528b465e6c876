"""`harness report`: judge what the store holds, without training anything."""

import argparse
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from harness.core.errors import SpecError
from harness.judge.cli.options import (
    Commands,
    add_remote,
    add_reports,
    add_settings,
    add_suites,
    given,
    settings_of,
    store_of,
)
from harness.judge.nightly import analysis, annotations, baseline
from harness.judge.nightly.baseline import Baselines
from harness.judge.store.index import History


def add(commands: Commands) -> None:
    """Declare the command's options."""
    parser = commands.add_parser(
        "report", help="judge what the store holds, and report it, without training anything"
    )
    add_suites(parser)
    add_settings(parser)
    add_remote(parser)
    parser.add_argument(
        "--trend",
        action="store_true",
        help="every night of the history in one page; judges nothing anew",
    )
    add_reports(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the suites on the store alone; pytest prints and writes what it always does."""
    if arguments.trend:
        return _trend(arguments)
    settings = replace(settings_of(arguments, arguments.python), stored=True)
    command = [sys.executable, "-m", "pytest", *arguments.suites, "-q", *settings.arguments()]
    return subprocess.run(command, check=False).returncode


def _trend(arguments: argparse.Namespace) -> int:
    """Draw the history beside what was accepted."""
    from harness.judge.reports import rerun, trend_page

    store = store_of(arguments)
    store.fetch()
    folders = sorted(
        {path if path.is_dir() else path.parent for path in map(Path, arguments.suites)}
    )
    files = [path for folder in folders for path in sorted(folder.rglob(baseline.NAME))]
    known = [one for folder in folders for one in annotations.load(folder / annotations.NAME)]
    references = [one for path in files for one in Baselines.load(path)]
    settings = settings_of(arguments, arguments.python)
    options = rerun.for_history(given(arguments, settings), arguments.suites)
    with History(store.root) as history:
        trends, nights = analysis.gathered(history, references, known, options)
        for reason in history.damaged.values():
            sys.stderr.write(f"harness: left out: {reason}\n")
    if not trends:
        raise SpecError(
            f"the store {store.root} holds no session",
            fix="run pytest suites/ -m nightly first, or name another --store",
        )
    print("trend:", *trend_page.write(settings.reports, trends, nights))
    return 0

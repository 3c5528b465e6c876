"""`harness report`: judge what the store holds, without training anything."""

import argparse
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from harness.commands.options import Commands, add_settings, add_suites, settings_of


def add(commands: Commands) -> None:
    """Declare the command's options."""
    parser = commands.add_parser(
        "report", help="judge what the store holds, and report it, without training anything"
    )
    add_suites(parser)
    add_settings(parser)
    parser.add_argument("--reports", type=Path, default=Path("reports"), metavar="DIR")
    parser.set_defaults(command=run)


def run(asked: argparse.Namespace) -> int:
    """Run the suites on the store alone; pytest prints and writes what it always does."""
    settings = replace(settings_of(asked, asked.python), reports=asked.reports, stored=True)
    command = [sys.executable, "-m", "pytest", *asked.suites, "-q", *settings.arguments()]
    return subprocess.run(command, check=False).returncode

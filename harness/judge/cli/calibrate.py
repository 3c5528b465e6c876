"""`harness calibrate`: repeat clean runs, and propose tolerances from their noise."""

import argparse

from harness.judge.cli.options import Commands, add_suites, running
from harness.judge.suite import collect


def add(commands: Commands) -> None:
    """Declare the command's options."""
    parser = commands.add_parser(
        "calibrate", help="repeat clean runs, and propose tolerances from their noise"
    )
    add_suites(parser, repeats=8)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the noise of clean runs beside every tolerance, and what it suggests."""
    cells = collect.cells(arguments.suites)
    from harness.judge.mutation.calibrate import (
        calibrate,  # pytest has rewritten the invariants' asserts
    )

    with running(arguments, arguments.python) as runner:
        for line in calibrate(runner, [*cells], arguments.repeats):
            print(line, flush=True)
    return 0

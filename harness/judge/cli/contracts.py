"""`harness contracts`: the signatures of the library calls that recipes use."""

import argparse

from harness.judge.cli.options import Commands, add_suites, running
from harness.judge.suite import collect


def add(commands: Commands) -> None:
    """Declare the command's options."""
    parser = commands.add_parser(
        "contracts", help="show the signatures of the library calls that recipes use"
    )
    add_suites(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Print every call with its parameters and their defaults, a line each."""
    cell, *_ = collect.cells(arguments.suites)
    with running(arguments, arguments.python) as runner:
        for call, parameters in runner.trials(cell).answers.signatures.items():
            print(
                call, *(f"    {name} = {default}" for name, default in parameters.items()), sep="\n"
            )
    return 0

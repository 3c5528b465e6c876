"""`harness explain`: what an invariant holds, why, what usually breaks it, and what to do."""

import argparse

from harness.core.errors import unknown
from harness.judge.cli.options import Commands
from harness.judge.node_id import NodeId
from harness.judge.suite import explanations


def add(commands: Commands) -> None:
    """Declare the command's options."""
    parser = commands.add_parser(
        "explain", help="say what an invariant holds, what usually breaks it, and what to do"
    )
    parser.add_argument(
        "invariants",
        nargs="*",
        metavar="INVARIANT",
        help="name of a test, or its whole id; a line for each invariant if none is given",
    )
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Print the explanations.

    Raises:
        SpecError: there is no such invariant.
    """
    names = [NodeId.parse(test).test or test for test in options.invariants]
    for name in names:
        if name not in explanations.load():
            raise unknown("invariant", name, explanations.load())
    for name in names:
        print(*explanations.lines(name), sep="\n")
    if not names:
        for name in explanations.load():
            print(f"{name}: {explanations.statement(name)}")
    return 0

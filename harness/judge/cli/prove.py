"""`harness prove`: break the judged libraries, and see which invariants notice."""

import argparse
from pathlib import Path

from harness.core import cores
from harness.core.errors import SpecError
from harness.judge.cli.options import Commands, add_reports, add_suites, running
from harness.judge.mutation import faults
from harness.judge.suite import collect

OURS = Path(faults.__file__).parent
"""The folder of our catalogue of faults."""


def add(commands: Commands) -> None:
    """Declare the command's options."""
    parser = commands.add_parser(
        "prove", help="break the judged libraries, and see which invariants notice"
    )
    add_suites(parser, repeats=20)
    add_reports(parser)
    parser.add_argument(
        "--fault",
        action="append",
        metavar="FILE",
        help="a fault of yours, or the name of one of ours (default: all of ours)",
    )
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Print which invariants notice each fault, then the sums; write the matrix to a report."""
    chosen = _chosen(arguments.fault)
    cells = collect.cells(arguments.suites)
    from harness.judge.mutation.mutate import (
        Prover,  # pytest rewrites the invariants' asserts, and comes first
    )
    from harness.judge.reports import files, mutation_table

    with running(arguments, arguments.python) as runner:
        files.check(runner.settings.reports)
        prover = Prover(runner, [*cells], cores.usable())
        proof = prover.prove(
            chosen,
            arguments.repeats,
            lambda exhibit: print(mutation_table.line(exhibit), flush=True),
        )
    print("", *mutation_table.sums(proof), sep="\n")
    print("summaries:", *mutation_table.write(runner.settings.reports, proof))
    return 1 if proof.unnoticed or proof.alarms else 0


def _chosen(names: list[str] | None) -> list[Path]:
    """Files of the faults to inject.

    Raises:
        SpecError: one is no file and no name of ours.
    """
    ours = {path.stem: path for path in sorted(OURS.glob("*.py")) if path.stem != "__init__"}
    if names is None:
        return [*ours.values()]
    files = []
    for name in names:
        path = ours.get(name, Path(name))
        if not path.is_file():
            raise SpecError(
                f"there is no fault {name!r}",
                fix=f"give a Python file, or one of {', '.join(ours)}",
            )
        files.append(path)
    return files

"""The command line: `harness prove`, `harness calibrate` and `harness contracts`."""

import argparse
import os
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness import collecting, faults
from harness.errors import HarnessError, SpecError
from harness.runner import Runner
from harness.settings import Settings

OURS = Path(faults.__file__).parent
"""The folder of our catalogue of faults."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="harness", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_prove(commands)
    _add_calibrate(commands)
    _add_contracts(commands)
    asked = parser.parse_args(arguments)
    try:
        code: int = asked.command(asked)
    except HarnessError as error:
        sys.stderr.write(f"harness: {error.text}\n")
        return 2
    return code


def _add_shared(parser: argparse.ArgumentParser, repeats: int | None = None) -> None:
    """Options of every command that runs suites."""
    parser.add_argument("suites", nargs="*", default=["suites"], help="as pytest takes them")
    if repeats is not None:
        parser.add_argument(
            "--repeats", type=int, default=repeats, help="clean runs with other seeds"
        )
    parser.add_argument("--python", type=Path, default=Path(sys.executable), metavar="PATH")
    parser.add_argument("--store", type=Path, default=Path(".harness"), metavar="DIR")


def _add_prove(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`harness prove`."""
    parser = commands.add_parser(
        "prove", help="break the judged libraries, and see which invariants notice"
    )
    _add_shared(parser, repeats=20)
    parser.add_argument("--reports", type=Path, default=Path("reports"), metavar="DIR")
    parser.add_argument(
        "--fault",
        action="append",
        metavar="FILE",
        help="a fault of yours, or the name of one of ours (default: all of ours)",
    )
    parser.set_defaults(command=_prove)


def _add_calibrate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`harness calibrate`."""
    parser = commands.add_parser(
        "calibrate", help="repeat clean runs, and propose tolerances from their noise"
    )
    _add_shared(parser, repeats=8)
    parser.set_defaults(command=_calibrate)


def _add_contracts(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`harness contracts`."""
    parser = commands.add_parser(
        "contracts", help="show the signatures of the library calls that recipes use"
    )
    _add_shared(parser)
    parser.set_defaults(command=_contracts)


def _prove(asked: argparse.Namespace) -> int:
    """Print what notices each fault as it is known, then the sums; leave the matrix in reports."""
    files = _faults(asked.fault)
    cells = collecting.cells(asked.suites)
    from harness.proving import Prover  # pytest rewrites the invariants' asserts, and comes first
    from harness.report import proof

    with _runner(asked) as runner:
        prover = Prover(runner, cells, os.cpu_count() or 1)
        found = prover.prove(
            files, asked.repeats, lambda exhibit: print(proof.line(exhibit), flush=True)
        )
    print("", *proof.sums(found), sep="\n")
    print("summaries:", *proof.write(asked.reports, found))
    return 1 if found.unnoticed or found.alarms else 0


def _faults(asked: list[str] | None) -> list[Path]:
    """Files of the faults to inject.

    Raises:
        SpecError: one is no file and no name of ours.
    """
    ours = {path.stem: path for path in sorted(OURS.glob("*.py")) if path.stem != "__init__"}
    if asked is None:
        return [*ours.values()]
    found = []
    for name in asked:
        path = ours.get(name, Path(name))
        if not path.is_file():
            raise SpecError(
                f"there is no fault {name!r}",
                fix=f"give a Python file, or one of {', '.join(ours)}",
            )
        found.append(path)
    return found


def _calibrate(asked: argparse.Namespace) -> int:
    """Print the noise of clean runs beside every tolerance, and what it suggests."""
    cells = collecting.cells(asked.suites)
    from harness.calibrating import calibrate  # as above

    with _runner(asked) as runner:
        for line in calibrate(runner, cells, asked.repeats):
            print(line, flush=True)
    return 0


def _contracts(asked: argparse.Namespace) -> int:
    """Print every call with its parameters and their defaults, a line each."""
    cell, *_ = collecting.cells(asked.suites)
    with _runner(asked) as runner:
        for call, parameters in runner.trials(cell).answers.signatures.items():
            print(
                call, *(f"    {name} = {default}" for name, default in parameters.items()), sep="\n"
            )
    return 0


@contextmanager
def _runner(asked: argparse.Namespace) -> Iterator[Runner]:
    """A runner as the options say."""
    settings = Settings(store=asked.store.absolute(), python=asked.python.absolute())
    runner = Runner(settings=settings, session=uuid.uuid4().hex)
    try:
        yield runner
    finally:
        runner.close()


if __name__ == "__main__":
    sys.exit(main())

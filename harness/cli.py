"""The command line: what runs suites otherwise than pytest does."""

import argparse
import os
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness import allowances, collecting, environment, environments, faults
from harness.attribute import Attributor, Culprit
from harness.changes import Change
from harness.environments import Environments
from harness.errors import HarnessError, ResolutionError, RunError, SpecError
from harness.finding import EXIT_CODES, Finding, verdict
from harness.runner import Runner
from harness.settings import Settings

if TYPE_CHECKING:
    from harness.gate import Gate

USAGE, LOST, INTERRUPTED = 2, 3, 130
"""Exit codes: what was asked makes no sense; an environment or a run was lost; Ctrl-C."""

OURS = Path(faults.__file__).parent
"""The folder of our catalogue of faults."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="harness", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_prove(commands)
    _add_calibrate(commands)
    _add_contracts(commands)
    _add_gate(commands)
    _add_environments(commands)
    _add_report(commands)
    asked = parser.parse_args(arguments)
    try:
        code: int = asked.command(asked)
    except KeyboardInterrupt:
        sys.stderr.write("harness: interrupted; what was learnt is kept for the same command\n")
        return INTERRUPTED
    except HarnessError as error:
        sys.stderr.write(f"harness: {error.text}\n")
        return LOST if isinstance(error, ResolutionError | RunError) else USAGE
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


def _add_report(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`harness report`."""
    parser = commands.add_parser(
        "report", help="judge what the store holds, and report it, without training anything"
    )
    _add_shared(parser)
    parser.add_argument("--reports", type=Path, default=Path("reports"), metavar="DIR")
    parser.set_defaults(command=_report)


def _add_environments_folder(parser: argparse.ArgumentParser) -> None:
    """Where environments are kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
    parser.add_argument(
        "--environments",
        type=Path,
        default=cache / "finetune-harness" / "environments",
        metavar="DIR",
        help="folder of the environments made so far (default: in the user's cache)",
    )


def _add_gate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`harness gate`."""
    parser = commands.add_parser(
        "gate", help="run suites in two environments, and say whether the second may be merged"
    )
    parser.add_argument(
        "changes",
        nargs="*",
        metavar="CHANGE",
        help="what the candidate changes: a requirement, a requirements file, a project's folder "
        "or a wheel",
    )
    parser.add_argument("--base", action="append", default=[], metavar="CHANGE")
    parser.add_argument("--base-python", type=Path, default=Path(sys.executable), metavar="PATH")
    parser.add_argument("--candidate-python", type=Path, metavar="PATH")
    parser.add_argument("--suites", action="append", metavar="PATH", help="as pytest takes them")
    parser.add_argument(
        "--constraint",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="versions that what is made keeps to; alone, it says what the candidate changes",
    )
    for option in PASSED_ON:
        parser.add_argument(option, action="append", default=[], help="as uv takes it")
    parser.add_argument("--offline", action="store_true", help="as uv takes it")
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="ID",
        help="let a difference pass, with --because; * stands for anything",
    )
    parser.add_argument("--because", default="", metavar="TEXT", help="why it may pass")
    parser.add_argument(
        "--allowed",
        type=Path,
        metavar="FILE",
        help=f"what was let pass so far (default: {allowances.NAME} beside the first suite)",
    )
    parser.add_argument(
        "--correctness-only", action="store_true", help="do not measure how fast they train"
    )
    parser.add_argument(
        "--attribute",
        action="store_true",
        help="find the package that did it, and the release since when",
    )
    parser.add_argument("--store", type=Path, default=Path(".harness"), metavar="DIR")
    parser.add_argument("--reports", type=Path, default=Path("reports"), metavar="DIR")
    _add_environments_folder(parser)
    parser.set_defaults(command=_gate)


PASSED_ON = ("--index-url", "--extra-index-url", "--find-links", "--exclude-newer")
"""Options of uv that say where packages come from, each with a value."""


def _gate(asked: argparse.Namespace) -> int:
    """Print what differs, the worst first, and the verdict; leave reports."""
    suites = asked.suites or ["suites"]
    changed = [*asked.changes, *map(str, asked.constraint)]
    if not changed and asked.candidate_python is None:
        raise SpecError(
            "nothing says what the candidate is",
            fix="name what it changes, such as transformers==5.18.0, or a --constraint FILE, or "
            "--candidate-python PATH",
        )
    if asked.changes and asked.candidate_python is not None:
        raise SpecError("the candidate is both changed packages and an interpreter")
    beside = Path(suites[0].partition("::")[0])
    allowed = asked.allowed or (beside if beside.is_dir() else beside.parent) / allowances.NAME
    if asked.allow:
        allowances.add(allowed, asked.allow, asked.because)
    cells = collecting.cells(suites)
    from harness.gate import Gate  # pytest has rewritten the invariants' asserts
    from harness.report import comparison

    base = _made(asked, asked.base_python, asked.base) if asked.base else asked.base_python
    candidate = asked.candidate_python or _made(asked, base, asked.changes)
    with _runner(asked, base) as left, _runner(asked, candidate) as right:
        gate = Gate(left, right, suites, cells, races=not asked.correctness_only)
        named = [name for change in changed for name in environments.names(change)]
        found = gate.compare(named, allowances.load(allowed), say)
        regressed = [f for f in found.findings if f.standing == "regressed"]
        if asked.attribute and regressed:
            found = replace(found, culprits=_culprits(asked, gate, found.changes, regressed))
    print(*comparison.lines(found), sep="\n")
    print("reports:", *comparison.write(asked.reports, found))
    return EXIT_CODES[verdict(found.findings)]


def _culprits(
    asked: argparse.Namespace, gate: "Gate", changes: Sequence[Change], regressed: Sequence[Finding]
) -> tuple[Culprit, ...]:
    """Who brought regressions about, told by the cell that shows most of them."""
    cell, _ = Counter(finding.cell for finding in regressed).most_common(1)[0]
    shown = [finding for finding in regressed if finding.cell == cell]

    def fails(python: Path) -> bool:
        with _runner(asked, python) as runner:
            return gate.recheck(runner, shown)

    attributor = Attributor(
        environments=_environments_of(asked), base=gate.base.settings.python, fails=fails, say=say
    )
    try:
        return attributor.attribute(changes)
    except HarnessError as error:  # what was compared is told all the same
        say(f"not attributed: {error.text}")
    except KeyboardInterrupt:
        say("not attributed: interrupted; what was tried is kept for the same command")
    finally:
        say(f"{attributor.tried} environments were tried")
    return ()


def say(text: str) -> None:
    """Tell what is going on, beside what is printed."""
    sys.stderr.write(f"{text}\n")


def _made(asked: argparse.Namespace, base: Path, changes: list[str]) -> Path:
    """The interpreter of the base changed as asked."""
    made = _environments_of(asked)
    wanted = [environments.change(change) for change in changes]
    pins = made.resolve(base, [*wanted, *(f"-c {path.absolute()}" for path in asked.constraint)])
    return made.make(base, pins)


def _environments_of(asked: argparse.Namespace) -> Environments:
    """What makes environments, as the options say."""
    passed = [f"{o}={v}" for o in PASSED_ON for v in getattr(asked, o[2:].replace("-", "_"))]
    passed += ["--offline"] if asked.offline else []
    return Environments(folder=asked.environments, arguments=tuple(passed))


def _add_environments(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`harness environments`."""
    parser = commands.add_parser(
        "environments", help="list the environments made so far, or remove those not used"
    )
    parser.add_argument(
        "--prune", type=float, metavar="DAYS", help="remove those not used for as many days"
    )
    _add_environments_folder(parser)
    parser.set_defaults(command=_environments)


def _environments(asked: argparse.Namespace) -> int:
    """Print every environment, the last used first; remove those that are old, if asked."""
    made = Environments(folder=asked.environments)
    if asked.prune is not None:
        for kept in made.prune(asked.prune):
            print(f"removed {kept.folder}")
    for kept in made.kept():
        used = time.strftime("%Y-%m-%d", time.localtime(kept.used))
        judged = [pin for pin in kept.pins if pin.partition("==")[0] in environment.REQUIRED]
        print(f"{kept.folder}  used {used}  {' '.join(judged)}")
    return 0


def _prove(asked: argparse.Namespace) -> int:
    """Print what notices each fault as it is known, then the sums; leave the matrix in reports."""
    files = _faults(asked.fault)
    cells = collecting.cells(asked.suites)
    from harness.proving import Prover  # pytest rewrites the invariants' asserts, and comes first
    from harness.report import proof

    with _runner(asked, asked.python) as runner:
        prover = Prover(runner, [*cells], os.cpu_count() or 1)
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

    with _runner(asked, asked.python) as runner:
        for line in calibrate(runner, [*cells], asked.repeats):
            print(line, flush=True)
    return 0


def _contracts(asked: argparse.Namespace) -> int:
    """Print every call with its parameters and their defaults, a line each."""
    cell, *_ = collecting.cells(asked.suites)
    with _runner(asked, asked.python) as runner:
        for call, parameters in runner.trials(cell).answers.signatures.items():
            print(
                call, *(f"    {name} = {default}" for name, default in parameters.items()), sep="\n"
            )
    return 0


def _report(asked: argparse.Namespace) -> int:
    """Run the suites on the store alone; pytest prints and writes what it always does."""
    folders = [
        f"--harness-{name}={getattr(asked, name)}" for name in ("python", "store", "reports")
    ]
    suites = [sys.executable, "-m", "pytest", *asked.suites, "-q", "--harness-stored", *folders]
    return subprocess.run(suites, check=False).returncode


@contextmanager
def _runner(asked: argparse.Namespace, python: Path) -> Iterator[Runner]:
    """A runner for an interpreter."""
    settings = Settings(store=asked.store.absolute(), python=python.absolute())
    runner = Runner(settings=settings, session=uuid.uuid4().hex)
    try:
        yield runner
    finally:
        runner.close()


if __name__ == "__main__":
    sys.exit(main())

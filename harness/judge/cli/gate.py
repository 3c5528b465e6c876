"""`harness gate`: run suites in two environments; may the second be merged?"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.errors import SpecError
from harness.judge.cli.options import (
    Commands,
    add_environments,
    add_reports,
    add_settings,
    add_stores,
    given,
    interpreter,
    running,
    settings_of,
)
from harness.judge.finding import EXIT_CODES, Finding, verdict
from harness.judge.gate import allowlist, packages
from harness.judge.gate.bisect import Attribution, attribute, grouped
from harness.judge.gate.candidates import Candidates, Shown
from harness.judge.gate.packages import Change
from harness.judge.reports import files
from harness.judge.suite import collect
from harness.judge.venvs import build, requirements, support
from harness.judge.venvs.build import Environments
from harness.judge.venvs.installer import Installer

if TYPE_CHECKING:
    from harness.judge.gate.workflow import Gate

PASSED_ON = (
    "--index",
    "--default-index",
    "--index-url",
    "--extra-index-url",
    "--find-links",
    "--exclude-newer",
)
"""Options of uv that say where packages come from, each with a value."""


def add(commands: Commands) -> None:
    """Declare the command's options."""
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
    parser.add_argument(
        "--base",
        action="append",
        default=[],
        metavar="CHANGE",
        help="what the base changes of its interpreter's environment; may be given several times",
    )
    parser.add_argument(
        "--base-python",
        type=interpreter,
        default=Path(sys.executable),
        metavar="PATH",
        help="interpreter of the base (default: the running one)",
    )
    parser.add_argument(
        "--candidate-python",
        type=interpreter,
        metavar="PATH",
        help="interpreter of the candidate, instead of one that is made",
    )
    parser.add_argument("--suites", action="append", metavar="PATH", help="as pytest takes them")
    parser.add_argument(
        "--constraint",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="versions that what is made keeps to; alone, it says what the candidate changes",
    )
    add_settings(parser)
    parser.set_defaults(harness_scale="tiny")
    for option in PASSED_ON:
        parser.add_argument(option, action="append", default=[], help="as uv takes it")
    parser.add_argument("--offline", action="store_true", help="as uv takes it")
    parser.add_argument(
        "--allow-dragged",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="leave out of the verdict that this core package moved along",
    )
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
        help=f"what was let pass so far (default: {allowlist.NAME} beside the first suite)",
    )
    parser.add_argument(
        "--correctness-only", action="store_true", help="do not measure how fast they train"
    )
    parser.add_argument(
        "--attribute",
        action="store_true",
        help="find the package that did it, and the release since when",
    )
    add_stores(parser)
    add_reports(parser)
    add_environments(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the differences, the worst first, and the verdict; write the reports."""
    suites = arguments.suites or ["suites"]
    changed = arguments.changes or [str(path) for path in arguments.constraint]
    if not changed and arguments.candidate_python is None:
        raise SpecError(
            "nothing says what the candidate is",
            fix="name what it changes, such as transformers==5.18.0, or a --constraint FILE, or "
            "--candidate-python PATH",
        )
    if changed and arguments.candidate_python is not None:
        raise SpecError("the candidate is both changed packages and an interpreter")
    for path in arguments.constraint:
        if not path.is_file():
            raise SpecError(f"there is no {path}", fix="name a file of constraints")
    packages.dragged([], arguments.allow_dragged)
    beside = Path(suites[0].partition("::")[0])
    allowed = arguments.allowed or (beside if beside.is_dir() else beside.parent) / allowlist.NAME
    if arguments.allow:
        allowlist.add(allowed, arguments.allow, arguments.because)
    allowances = allowlist.load(allowed)
    settings = settings_of(arguments, arguments.base_python)
    cells = collect.cells(suites, arguments.harness_scale, settings.arguments())
    files.check(settings.reports)
    from harness.judge.gate.workflow import Gate  # pytest has rewritten the invariants' asserts
    from harness.judge.reports import comparison

    base: Path = arguments.base_python
    rebased: tuple[Change, ...] = ()
    if arguments.base:
        base, rebased = _made(arguments, base, arguments.base, "base")
        for change in rebased:
            say(f"base: {change.description}")
    candidate = (
        arguments.candidate_python or _made(arguments, base, arguments.changes, "candidate")[0]
    )
    with running(arguments, base) as left, running(arguments, candidate) as right:
        gate = Gate(left, right, suites, cells, races=not arguments.correctness_only)
        named = [name for change in changed for name in requirements.names(change)]
        compared = gate.compare(named, allowances, say)
        moved = [f"base: {c.versions}" for c in packages.dragged(rebased, arguments.allow_dragged)]
        moved += [c.versions for c in packages.dragged(compared.changes, arguments.allow_dragged)]
        compared = replace(
            compared,
            rebased=rebased,
            dragged=tuple(moved),
            options=given(arguments, settings),
            allowing=()
            if arguments.allowed is None
            else (f"--allowed={arguments.allowed.absolute()}",),
        )
        regressed = [f for f in compared.findings if f.standing == "regressed"]
        if arguments.attribute and regressed:
            compared = replace(
                compared,
                attributions=_attributions(arguments, gate, compared.changes, regressed),
            )
    print(*comparison.lines(compared), sep="\n")
    print("reports:", *comparison.write(settings.reports, compared))
    return EXIT_CODES[verdict(compared.findings)]


def _attributions(
    arguments: argparse.Namespace,
    gate: "Gate",
    moved: Sequence[Change],
    regressed: Sequence[Finding],
) -> tuple[Attribution, ...]:
    """Who brought each regression about."""

    def judge(python: Path, regressions: Sequence[Finding]) -> Shown:
        with running(arguments, python) as runner:
            return gate.recheck(runner, regressions)

    sides = tuple(side.settings.python for side in gate.sides)
    made = _environments_of(arguments, wheels=True, givers=sides)
    candidates = Candidates(environments=made, base=sides[0], judge=judge, say=say)
    attributions: list[Attribution] = []
    left = list(regressed)
    try:
        for attribution in attribute(candidates, moved, regressed):
            attributions.append(attribution)
            left = [finding for finding in left if finding not in attribution.findings]
    except KeyboardInterrupt:  # what was compared is reported all the same
        reason = "interrupted; what was tried is kept for the same command"
        attributions.append(Attribution(culprits=(), reason=reason, findings=tuple(left)))
    say(f"{candidates.tried} environments were tried")
    return grouped(attributions)


def say(text: str) -> None:
    """Write a line to standard error: standard output holds the result alone."""
    sys.stderr.write(f"{text}\n")


def _made(
    arguments: argparse.Namespace, base: Path, wanted: list[str], side: str
) -> tuple[Path, tuple[Change, ...]]:
    """The interpreter of a base with changes made to it, and the packages that these change.

    Raises:
        HarnessError: it cannot be made, or could not be judged.
    """
    made = _environments_of(arguments)
    named = {name for change in wanted for name in requirements.names(change)}
    lines = [requirements.line(change) for change in wanted]
    pins = made.resolve(base, [*lines, *(f"-c {path.absolute()}" for path in arguments.constraint)])
    support.check(packages.versions(pins), f"the {side}")
    installed = {d.name: d.version for d in build.installed_in(base).values()}
    return made.make(base, pins, named), tuple(packages.of_pins(installed, pins, named))


def _environments_of(
    arguments: argparse.Namespace, *, wheels: bool = False, givers: tuple[Path, ...] = ()
) -> Environments:
    """What makes environments, with the options that are passed on to uv."""
    passed = [f"{o}={v}" for o in PASSED_ON for v in getattr(arguments, o[2:].replace("-", "_"))]
    passed += ["--offline"] if arguments.offline else []
    installer = Installer(arguments=tuple(passed), python=arguments.base_python, wheels=wheels)
    return Environments(folder=arguments.environments, installer=installer, givers=givers)

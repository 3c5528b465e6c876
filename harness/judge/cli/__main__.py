"""The command line: what runs suites otherwise than pytest does."""

import argparse
import contextlib
import sys
from collections.abc import Sequence
from typing import Any

from harness.core.errors import HarnessError, ResolutionError, RunError
from harness.judge.cli import (
    baseline,
    calibrate,
    contracts,
    environments,
    explain,
    gate,
    history,
    init,
    notify,
    plan,
    prove,
    report,
    shrink,
    store,
)
from harness.judge.outlet import Stream

COMMANDS = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        *(init, gate, plan, report, baseline, history, notify),
        *(shrink, environments, store, prove, calibrate, contracts, explain),
    )
}
"""The module of every command, in the order of the help."""

USAGE, LOST, INTERRUPTED = 2, 3, 130
"""Exit codes: the arguments make no sense; an environment or a run was lost; Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, whatever it says without secrets; returns the process's exit code."""
    output: Any = Stream(sys.stdout)
    errors: Any = Stream(sys.stderr)
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        return _run(arguments)


def _run(arguments: Sequence[str] | None) -> int:
    """Run a command."""
    parser = argparse.ArgumentParser(prog="harness", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS.values():
        module.add(commands)
    options = parser.parse_args(arguments)
    try:
        code: int = options.command(options)
    except KeyboardInterrupt:
        sys.stderr.write(
            "harness: interrupted; what was done so far is kept for the same command\n"
        )
        return INTERRUPTED
    except HarnessError as error:
        sys.stderr.write(f"harness: {error.text}\n")
        return LOST if isinstance(error, ResolutionError | RunError) else USAGE
    return code


if __name__ == "__main__":
    sys.exit(main())

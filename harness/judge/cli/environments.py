"""`harness environments`: what the gate has made, listed and pruned."""

import argparse
import time

from harness.core import environment
from harness.judge.cli.options import Commands, add_environments
from harness.judge.limits import Limits, argument
from harness.judge.venvs.build import Environments


def add(commands: Commands) -> None:
    """Declare the command's options."""
    parser = commands.add_parser(
        "environments", help="list the environments made so far, or remove those not used"
    )
    parser.add_argument(
        "--prune",
        type=argument(float, Limits(least=0)),
        metavar="DAYS",
        help="remove those not used for as many days",
    )
    add_environments(parser)
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Print every environment, the last used first; with `--prune`, remove old ones before."""
    made = Environments(folder=options.environments)
    if options.prune is not None:
        for kept in made.prune(options.prune):
            print(f"removed {kept.folder}")
    for kept in made.kept():
        used = time.strftime("%Y-%m-%d", time.localtime(kept.used))
        judged = [pin for pin in kept.pins if pin.partition("==")[0] in environment.REQUIRED]
        print(f"{kept.folder}  used {used}  {' '.join(judged)}")
    return 0

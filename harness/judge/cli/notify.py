"""`harness notify`: the last night in one message; sending it is left to whoever has a channel."""

import argparse
import sys

from harness.core.errors import SpecError
from harness.judge.cli.options import Commands, add_night, add_stores, store_of
from harness.judge.reports import nightly_message
from harness.judge.store.index import History


def add(commands: Commands) -> None:
    """Declare the command's options."""
    parser = commands.add_parser("notify", help="the last night in one message")
    add_night(parser)
    parser.add_argument(
        "--format", choices=("text", "markdown"), default="text", help="default: text"
    )
    add_stores(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the message; 1 if something is worse than it was."""
    with History(store_of(arguments).root) as history:
        session = history.night(arguments.night or "*")
    if session is None:
        raise SpecError("the store holds no such night", fix="run pytest -m nightly first")
    written = nightly_message.markdown if arguments.format == "markdown" else nightly_message.text
    sys.stdout.write(written(session, store=str(arguments.store or "")).rstrip("\n") + "\n")
    return int(any(cell.standing == "regressed" or cell.worsened for cell in session.nights))

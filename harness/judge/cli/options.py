"""Options that commands share, and the settings that they make."""

import argparse
import os
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from harness.core.errors import MisfitError
from harness.judge import repository
from harness.judge.console import Console
from harness.judge.document import Document
from harness.judge.limits import Limits, argument
from harness.judge.reports import rerun
from harness.judge.runs import interruption
from harness.judge.runs.runner import Runner
from harness.judge.settings import SHARED, Settings, check_interpreter
from harness.judge.store.local import Store
from harness.judge.store.remote import Remote
from harness.judge.suite import known_issues
from harness.judge.suite.validation import parse_overrides

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - it has no public name
"""What `add_subparsers` returns."""

DATE = argument(str, Limits(is_date=True))
"""A night, as an option's type."""


def interpreter(text: str) -> Path:
    """A Python, as an option's type."""
    path = Path(text).expanduser()
    try:
        check_interpreter(path)
    except MisfitError as error:
        raise argparse.ArgumentTypeError(error.line) from None
    return path


def add_suites(parser: argparse.ArgumentParser, repeats: int | None = None) -> None:
    """Options of every command that runs suites."""
    parser.add_argument("suites", nargs="*", default=["suites"], help="as pytest takes them")
    if repeats is not None:
        parser.add_argument(
            "--repeats",
            type=argument(int, Limits(least=1)),
            default=repeats,
            metavar="N",
            help="clean runs with other seeds",
        )
    add_python(parser)
    add_store(parser)


def add_python(
    parser: argparse.ArgumentParser, role: str = "interpreter of the environment to judge"
) -> None:
    """Which environment is judged."""
    parser.add_argument(
        "--python",
        type=interpreter,
        default=Path(sys.executable),
        metavar="PATH",
        help=f"{role} (default: the running one)",
    )


def add_store(parser: argparse.ArgumentParser, remark: str = "", default: Any = None) -> None:
    """Where records are."""
    parser.add_argument(
        "--store", type=Path, metavar="DIR", default=default, help=f"default: .harness{remark}"
    )


def add_remote(parser: argparse.ArgumentParser) -> None:
    """Where others have records."""
    parser.add_argument("--remote", metavar="URL", help="a store that is shared, see pytest --help")


def add_stores(parser: argparse.ArgumentParser) -> None:
    """Where records are, and where others have records."""
    add_store(parser)
    add_remote(parser)


def add_night(parser: argparse.ArgumentParser) -> None:
    """Which night is looked at."""
    parser.add_argument("--night", type=DATE, metavar="DATE", help="default: the last")


def store_of(arguments: argparse.Namespace) -> Store:
    """The store that is named, or that of the project's table."""
    settings = _merged(arguments, {"store": arguments.store, "remote": arguments.remote})
    return Store(settings.store, Remote(settings.remote) if settings.remote else None)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Options that are pytest's too."""
    group = parser.add_argument_group("as pytest takes them")
    for flag, keywords in Settings.options():
        if flag in SHARED:
            group.add_argument(flag, **keywords)


def add_reports(parser: argparse.ArgumentParser) -> None:
    """Where reports go."""
    parser.add_argument("--reports", type=Path, metavar="DIR", help="default: reports")


def add_environments(parser: argparse.ArgumentParser) -> None:
    """Where environments are kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
    parser.add_argument(
        "--environments",
        type=Path,
        default=cache / "finetune-harness" / "environments",
        metavar="DIR",
        help="folder of the environments made so far (default: in the user's cache)",
    )


def settings_of(arguments: argparse.Namespace, python: Path) -> Settings:
    """Settings for an interpreter; options that are not given come from the project's table.

    Raises:
        SpecError: one makes no sense, or a file that one names.
    """
    names = [flag.removeprefix("--").replace("-", "_") for flag in SHARED]
    values = {name.removeprefix("harness_"): getattr(arguments, name, None) for name in names}
    values |= {name: getattr(arguments, name, None) for name in ("store", "remote", "reports")}
    values["python"] = python
    settings = _merged(arguments, values)
    parse_overrides(settings.set)
    for path in settings.known_issues:
        known_issues.load(path)
    return settings


def root_of(arguments: argparse.Namespace) -> Path:
    """The repository that holds the suites."""
    suites = getattr(arguments, "suites", None) or []
    return repository.holding(suites if isinstance(suites, list) else [str(suites)], Path.cwd())


def _merged(arguments: argparse.Namespace, values: Mapping[str, Any]) -> Settings:
    """Settings with those of the repository that holds the suites."""
    root = root_of(arguments)
    return Settings.merge(values, Document.read(root / "pyproject.toml"), root, Path.cwd())


def given(arguments: argparse.Namespace, settings: Settings) -> tuple[str, ...]:
    """Options of pytest's that say what is judged, and how, and where records are.

    What is the default is left out, and a store that the repository names itself.
    """
    defaults = Settings().arguments()
    judged = [x for x in rerun.judging(settings.arguments()) if x not in defaults]
    here = rerun.options_of(settings, root_of(arguments), Path.cwd())
    return (*judged, *rerun.storing(here))


@contextmanager
def running(arguments: argparse.Namespace, python: Path) -> Iterator[Runner]:
    """A runner for an interpreter."""
    console = Console()
    made = Runner(
        settings=settings_of(arguments, python), session=uuid.uuid4().hex, announce=console.say
    )
    try:
        yield made
    finally:
        with interruption.deferred():
            made.close()
        console.close()
        for line in made.store.set_aside:
            sys.stderr.write(f"harness: {line}\n")

"""Settings: declared once; the command line, `[tool.harness]` and the help derive from here.

The metadata of a field hold its limits: text of a command line, a table's value and what a program
gives are checked alike.
"""

import os
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Self, get_args

from harness.core.errors import MisfitError, SpecError, unknown
from harness.core.serial import hints
from harness.judge.document import Document
from harness.judge.limits import Limits, argument

PREFIX = "--harness-"
ASKED_ONLY = frozenset({"because", "night", "update", "update_new_only"})
"""Settings of one session, never of a project: nothing is accepted without a command."""

TABLE = ("tool", "harness")
_LIMITS = "limits"
_YEAR = 365 * 24 * 3600
"""Seconds; no clock waits for much longer."""

_STARTS = 60.0
"""Seconds that an interpreter may take to say that it is one."""


def _setting(
    help_text: str, *, default: object = None, metavar: str | None = None, **limits: Any
) -> Any:
    """A setting: its default, its help and what it may be."""
    shown = {"metavar": metavar} if metavar else {}
    return field(default=default, metadata={"help": help_text, _LIMITS: Limits(**limits), **shown})


SHARED = (
    *(f"{PREFIX}{name}" for name in ("scale", "device", "sources", "set", "known-issues")),
    *(f"{PREFIX}{name}" for name in ("timeout", "threads", "pass-environment")),
)
"""Options that say what is judged, and how: commands take them too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a session judges and how, beyond pytest's own options."""

    scale: str | None = _setting(
        "tiny: embedded stand-ins; full: real checkpoints and data (default: tiny, and full "
        "where -m asks for gpu or nightly)",
        choices=("tiny", "full"),
    )
    device: str | None = _setting(
        "where to train (default: cpu at tiny scale, cuda at full scale)",
        choices=("cpu", "cuda", "auto"),
    )
    sources: tuple[Path, ...] = _setting(
        "folder with datasets/NAME/SPLIT.parquet and models/NAME for the full scale; may be "
        "given several times",
        default=(),
        metavar="DIR",
    )
    set: tuple[str, ...] = _setting(
        "change a recipe's field or a threshold for this session; a field that is an axis "
        "takes this one value; may be given several times",
        default=(),
        metavar="FIELD=VALUE",
    )
    python: Path = _setting(
        "interpreter of the environment to judge (default: the running one)",
        default=Path(sys.executable),
        metavar="PATH",
    )
    store: Path = _setting(
        "folder of the records (default: .harness)", default=Path(".harness"), metavar="DIR"
    )
    remote: str | None = _setting(
        "store that is shared, at any fsspec address: s3://BUCKET/FOLDER, file:///FOLDER",
        metavar="URL",
    )
    reports: Path = _setting(
        "folder for the session's summaries (default: reports)",
        default=Path("reports"),
        metavar="DIR",
    )
    known_issues: tuple[Path, ...] = _setting(
        "TOML file of further known issues; may be given several times",
        default=(),
        metavar="FILE",
    )
    strict_known_issues: bool = _setting(
        "fail where a known issue is fixed in the installed version", default=False
    )
    fresh: bool = _setting("train every cell anew, whatever the store holds", default=False)
    stored: bool = _setting(
        "train nothing: what the store does not hold is not measured", default=False
    )
    timeout: float = _setting(
        "seconds after which a run is killed (default: 1800)",
        default=1800.0,
        metavar="SECONDS",
        above=0,
        most=_YEAR,
    )
    threads: int | None = _setting(
        "CPU threads of a run (default: 1 at tiny scale, all cores at full scale)",
        metavar="N",
        least=1,
        most=4096,
    )
    pass_environment: tuple[str, ...] = _setting(
        "environment variable that runs are given beside those that training needs; may be given "
        "several times",
        default=(),
        metavar="NAME",
        is_variable=True,
    )
    night: str | None = _setting(
        "name of the night that a session with -m nightly belongs to; what it has is not trained "
        "again (default: today's date, UTC)",
        metavar="DATE",
        is_date=True,
    )
    budget: float | None = _setting(
        "seconds that -m nightly may take; cells that tell most go first, the others are not "
        "measured (default: no limit)",
        metavar="SECONDS",
        above=0,
        most=_YEAR,
    )
    least: float = _setting(
        "share of the nightly cells that must be measured, or the session fails (default: 0.5)",
        default=0.5,
        metavar="SHARE",
        least=0,
        most=1,
    )
    update: bool = _setting(
        "accept what -m nightly measures as the new baselines, beside the suites", default=False
    )
    update_new_only: bool = _setting("the same for cells without a baseline only", default=False)
    because: str = _setting("why --harness-update accepts it", default="", metavar="TEXT")

    @classmethod
    def options(cls) -> Sequence[tuple[str, dict[str, Any]]]:
        """Flag and `argparse` keywords of every setting."""
        return [(_flag(item), _keywords(item)) for item in fields(cls)]

    @classmethod
    def merge(cls, given: Mapping[str, Any], project: Document, rootdir: Path, cwd: Path) -> Self:
        """Settings from the command line, then from the project's table, then the defaults.

        Relative paths on the command line count from the working directory, those in the
        table and the defaults from the root directory.

        Raises:
            SpecError: a key or a value means nothing, or no Python is where one is to be judged.
        """
        names = {item.name: item for item in fields(cls)}
        table = _table(project, names.keys() - ASKED_ONLY)
        values: dict[str, Any] = {}
        for name, item in names.items():
            if given.get(name) is not None:
                value, base = _given(item, given[name]), cwd
            elif name in table:
                value, base = _from_table(item, table[name], project), rootdir
            else:
                value, base = item.default, rootdir
            values[name] = _anchored(value, base)
        merged = cls(**values)
        if merged.python != Path(sys.executable):
            try:
                check_interpreter(merged.python)
            except MisfitError as error:
                raise SpecError(error.what, fix=error.fix) from None
        return merged

    def arguments(self) -> list[str]:
        """The same as options."""
        options = []
        for item in fields(self):
            value = getattr(self, item.name)
            flag = _flag(item)
            if value is True:
                options.append(flag)
            elif value is not None and value is not False:
                parts = value if isinstance(value, tuple) else (value,)
                options += [f"{flag}={part}" for part in parts]
        return options


def _flag(item: "Field[Any]") -> str:
    """A setting's option on the command line."""
    return PREFIX + item.name.replace("_", "-")


def _anchored(value: Any, base: Path) -> Any:
    """Paths made absolute, without following links: a venv's python is one."""
    if isinstance(value, Path):
        return Path(os.path.normpath(base / value.expanduser()))
    if isinstance(value, tuple):
        return tuple(_anchored(part, base) for part in value)
    return value


def _keywords(item: "Field[Any]") -> dict[str, Any]:
    """`argparse` keywords of one setting; absent means None, so that tables can fill in."""
    keywords: dict[str, Any] = {"help": item.metadata["help"], "default": None}
    if item.default is False:
        return keywords | {"action": "store_true"}
    limits: Limits = item.metadata[_LIMITS]
    if item.default == ():
        keywords["action"] = "append"
    if limits.choices:
        keywords["choices"] = limits.choices
    else:
        keywords["metavar"] = item.metadata["metavar"]
    return keywords | {"type": argument(_kind(item), limits)}


def _kind(item: "Field[Any]") -> Any:
    """The type of a setting's value, or of each of its values."""
    declared = hints(Settings)[item.name]
    return next(iter(get_args(declared)), declared)


def _given(item: "Field[Any]", value: Any) -> Any:
    """What the command line gives, which its option has converted, or what a program gives.

    Raises:
        SpecError: it is not what the setting takes.
    """
    limits: Limits = item.metadata[_LIMITS]
    try:
        return limits.of(hints(Settings)[item.name], value)
    except MisfitError as error:
        raise error.named(_flag(item)) from None


def _table(project: Document, valid: Collection[str]) -> Mapping[str, Any]:
    """`[tool.harness]` of a project's pyproject.toml; empty if there is none.

    Raises:
        SpecError: it is no table, or has a key that means nothing.
    """
    table = project.decode(Mapping[str, Any] | None, TABLE) or {}
    for name in table:
        if name not in valid:
            error = unknown("[tool.harness] key", name, valid)
            raise project.wrong(MisfitError(error.what, fix=error.fix, place=(*TABLE, name)))
    return table


def _from_table(item: "Field[Any]", value: object, project: Document) -> Any:
    """A table's value; one that may be given several times may stand there without a list.

    Raises:
        SpecError: it is not what the setting takes.
    """
    limits: Limits = item.metadata[_LIMITS]
    parts = [value] if item.default == () and isinstance(value, str) else value
    try:
        return limits.of(hints(Settings)[item.name], parts)
    except MisfitError as error:
        raise project.wrong(error.within(*TABLE, item.name)) from None


def check_interpreter(python: Path) -> None:
    """Refuse what is no Python, before every cell finds out by itself.

    Raises:
        MisfitError: it does not start, or does not understand Python.
    """
    try:
        done = subprocess.run(
            [python, "-S", "-c", "print(6 * 7)"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_STARTS,
            check=False,
        )
        if done.stdout == "42\n":
            return
        reason = (done.stderr.splitlines() or ["it answers something else"])[-1]
    except subprocess.TimeoutExpired:
        reason = f"it has not answered within {_STARTS:g} s"
    except OSError as error:
        reason = error.strerror or str(error)
    raise MisfitError(
        f"{python} is no Python that can be judged: {reason}",
        fix="give the python of an environment, such as .venv/bin/python",
    )

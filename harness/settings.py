"""Settings: declared once; the command line, `[tool.harness]` and the help derive from here."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any, Self

from harness.errors import SpecError, unknown

PREFIX = "--harness-"
ASKED_ONLY = frozenset({"because", "night", "update", "update_new_only"})
"""Settings of one session, never of a project: nothing is accepted that nobody asked to accept."""

TABLE = "tool.harness"


def table_of(rootdir: Path) -> Mapping[str, Any]:
    """`[tool.harness]` of a directory's pyproject.toml; empty if there is none."""
    import tomllib

    path = rootdir / "pyproject.toml"
    if not path.is_file():
        return {}
    table: Mapping[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    for name in TABLE.split("."):
        table = table.get(name, {})
    return table


def _setting(help_text: str, *, default: object = None, **options: object) -> Any:
    """A setting: its default, its help and what else `argparse` should know."""
    return field(default=default, metadata={"help": help_text, **options})


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a session was asked for, beyond what pytest itself understands."""

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
    deviations: tuple[Path, ...] = _setting(
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
        "seconds after which a run is killed (default: 1800)", default=1800.0, metavar="SECONDS"
    )
    threads: int | None = _setting(
        "CPU threads of a run (default: 1 at tiny scale, all cores at full scale)", metavar="N"
    )

    night: str | None = _setting(
        "name of the night that a session with -m nightly belongs to; what it has is not trained "
        "again (default: today's date, UTC)",
        metavar="DATE",
    )
    budget: float | None = _setting(
        "seconds that -m nightly may take; cells that tell most go first, the others are not "
        "measured (default: no limit)",
        metavar="SECONDS",
    )
    least: float = _setting(
        "share of the nightly cells that must be measured, or the session fails (default: 0.5)",
        default=0.5,
        metavar="SHARE",
    )
    update: bool = _setting(
        "accept what -m nightly measures as the new baselines, beside the suites", default=False
    )
    update_new_only: bool = _setting("the same for cells without a baseline only", default=False)
    pass_environment: tuple[str, ...] = _setting(
        "environment variable that runs are given beside those that training needs; may be given "
        "several times",
        default=(),
        metavar="NAME",
    )
    because: str = _setting("why --harness-update accepts it", default="", metavar="TEXT")

    @classmethod
    def options(cls) -> Sequence[tuple[str, dict[str, Any]]]:
        """Flag and `argparse` keywords of every setting."""
        return [(_flag(item), _keywords(item)) for item in fields(cls)]

    @classmethod
    def merge(
        cls, given: Mapping[str, Any], table: Mapping[str, Any], rootdir: Path, cwd: Path
    ) -> Self:
        """Settings from the command line, then from the table, then the defaults.

        Relative paths on the command line count from the working directory, those in the
        table and the defaults from the root directory.

        Raises:
            SpecError: the table has a key or a value that means nothing.
        """
        names = {item.name: item for item in fields(cls)}
        for name in table:
            if name not in names.keys() - ASKED_ONLY:
                raise unknown(f"[{TABLE}] key", name, names.keys() - ASKED_ONLY)
        values: dict[str, Any] = {}
        for name, item in names.items():
            if given.get(name) is not None:
                value, base = given[name], cwd
            elif name in table:
                value, base = _from_table(item, table[name]), rootdir
            else:
                value, base = item.default, rootdir
            values[name] = _anchored(value, base)
        return cls(**values)

    def check(self) -> None:
        """Refuse values that no option's type refuses.

        Raises:
            SpecError: the night is no date, or a share is none.
        """
        try:
            date.fromisoformat(self.night or "2000-01-01")
        except ValueError:
            raise SpecError(
                f"{PREFIX}night={self.night} is no date", fix="write it as 2026-11-23"
            ) from None
        if not 0 <= self.least <= 1:
            raise SpecError(f"{PREFIX}least={self.least:g} is no share", fix="give 0 to 1")

    def arguments(self) -> list[str]:
        """The options that say the same."""
        found = []
        for item in fields(self):
            value = getattr(self, item.name)
            flag = _flag(item)
            if value is True:
                found.append(flag)
            elif value is not None and value is not False:
                parts = value if isinstance(value, tuple) else (value,)
                found += [f"{flag}={part}" for part in parts]
        return found


def _flag(item: "Field[Any]") -> str:
    """A setting's option on the command line."""
    return PREFIX + item.name.replace("_", "-")


def _anchored(value: Any, base: Path) -> Any:
    """Paths made absolute, without following links: a venv's python is one."""
    if isinstance(value, Path):
        return Path(os.path.normpath(base / value.expanduser()))
    if isinstance(value, list | tuple):
        return tuple(_anchored(part, base) for part in value)
    return value


def _keywords(item: "Field[Any]") -> dict[str, Any]:
    """`argparse` keywords of one setting; absent means None, so that tables can fill in."""
    keywords = dict(item.metadata) | {"default": None}
    if item.default is False:
        return keywords | {"action": "store_true"}
    if item.default == ():
        keywords["action"] = "append"
    return keywords | {"type": _converter(item)}


def _converter(item: "Field[Any]") -> Any:
    """What turns a setting's text into its value."""
    declared = str(item.type)
    if "Path" in declared:
        return Path
    return int if "int" in declared else float if "float" in declared else str


def _from_table(item: "Field[Any]", value: object) -> Any:
    """A table's value, converted as the command line's would be.

    Raises:
        SpecError: it has the wrong type or is none of the choices.
    """
    where = f"[{TABLE}] {item.name}"
    if item.default is False:
        if not isinstance(value, bool):
            raise SpecError(f"{where} = {value!r} is not true or false")
        return value
    if item.default == ():
        parts = value if isinstance(value, list) else [value]
        return tuple(_converter(item)(part) for part in parts)
    choices = item.metadata.get("choices")
    if choices and value not in choices:
        raise unknown(f"{where} value", str(value), choices)
    try:
        return _converter(item)(value)
    except (TypeError, ValueError) as error:
        raise SpecError(f"{where} = {value!r} cannot be used", why=str(error)) from None

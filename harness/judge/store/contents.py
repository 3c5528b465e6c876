"""Contents: everything that a store holds, with its size and when it was last used."""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.judge.store import sealed
from harness.judge.store.entry import night_in_name

DAY = 86_400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """A folder, or a file, that is kept or removed as a whole.

    Attributes:
        path: below the root of the store.
        size: bytes.
        used: seconds since the epoch: when it was written, or last read by a session.
    """

    path: str
    size: int
    used: float

    @property
    def kind(self) -> str:
        """The folder of the store that it lies in."""
        return self.path.partition("/")[0]

    @property
    def record(self) -> str:
        """Its path below `records/`; empty if it is no record."""
        return self.path.partition("/")[2] if self.kind == "records" else ""

    @property
    def lock(self) -> str:
        """What a session locks while it makes it; empty if nothing."""
        return self.path if self.kind == "inputs" else self.record

    @property
    def environment(self) -> str:
        """First digits of the key of the environment that it is of; empty if it is of none."""
        return self.path.split("/")[-2] if self.kind in {"records", "collations"} else ""

    @property
    def is_of_a_night(self) -> bool:
        """Whether the history draws it as one of its nights."""
        return self.kind == "sessions" or bool(night_in_name(self.record.rpartition("/")[2]))


def holdings(root: Path) -> list[Holding]:
    """Everything below a store's root that can be removed, in order."""
    depths = {str(kind): depth for kind, depth in sealed.DEPTHS.items()}
    depths |= {"inputs": 2, "collations": 2, "corrupt": 1, "staging": 1}
    return [
        holding
        for kind, depth in depths.items()
        for path in sorted(root.glob("/".join([kind, *["*"] * depth])))
        if (holding := _holding(root, path)) is not None
    ]


def _holding(root: Path, path: Path) -> Holding | None:
    """What lies at a path; None if it is gone meanwhile."""
    with contextlib.suppress(FileNotFoundError):
        used = path.stat().st_mtime
        size = sum(file.stat().st_size for file in _files(path))
        return Holding(path=path.relative_to(root).as_posix(), size=size, used=used)
    return None


def _files(path: Path) -> Iterator[Path]:
    """A file, or every file below a folder."""
    if path.is_file():
        yield path
    for folder, _, names in os.walk(path):
        yield from (Path(folder, name) for name in names)


def environments(root: Path, records: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Descriptions of environments by the first digits of their keys, as records have them.

    Args:
        root: of the store.
        records: paths of records; only the first one that says so is read of an environment.
    """
    described: dict[str, dict[str, Any]] = {}
    for path in records:
        key = path.split("/")[-2]
        if key not in described:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                text = (root / "records" / path / "record.json").read_text(encoding="utf-8")
                described[key] = dict(json.loads(text)["environment"])
    return described

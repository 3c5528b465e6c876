"""History: an index over the records and sessions of a store.

    STORE/history.sqlite

It holds nothing of its own: delete it, and the next question makes it anew. A record belongs to the
night that its attempt is named after, else to the day it was made; to a cell, if a
session used it for one.
"""

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from harness.core.errors import HarnessError, SpecError, StoreError
from harness.judge.document import Document
from harness.judge.session_record import NAME as SESSION
from harness.judge.session_record import SessionRecord
from harness.judge.store.entry import Entry, read, satisfies

if TYPE_CHECKING:
    from harness.judge.tonight import Tonight

NAME = "history.sqlite"
VERSION = 5
_SETTLED = 2 * 10**9
"""Nanoseconds after which a folder's time stamp is sure to move when something is added to it."""


_COLUMNS = tuple(field.name for field in fields(Entry))
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS folders (name TEXT PRIMARY KEY, changed INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS environments (key TEXT PRIMARY KEY, summary TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records
    (folder TEXT, {", ".join(_COLUMNS)}, PRIMARY KEY (path));
CREATE INDEX IF NOT EXISTS by_folder ON records (folder);
CREATE INDEX IF NOT EXISTS by_cell ON records (cell, device, night);
CREATE TABLE IF NOT EXISTS sessions
    (path TEXT PRIMARY KEY, night TEXT, moment TEXT, contents TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uses (path TEXT PRIMARY KEY, cell TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_night ON sessions (night, moment);
PRAGMA user_version = {VERSION};
"""


class History:
    """The runs and sessions that a store holds."""

    def __init__(self, root: Path) -> None:
        """Open the index of a store, and bring it up to date.

        Raises:
            StoreError: it can be neither read nor made.
        """
        self.root = root
        self.damaged: dict[str, str] = {}  # by path, why it is left out
        try:
            with contextlib.ExitStack() as unless_kept:
                self.index = unless_kept.enter_context(contextlib.closing(self._open()))
                self.refresh()
                unless_kept.pop_all()
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"the index {root / NAME} cannot be used",
                why=str(error),
                fix="delete it: it is made anew from the records",
            ) from None

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the index."""
        self.close()

    def close(self) -> None:
        """Close the index: since Python 3.13, one that is left open is warned of."""
        self.index.close()

    def refresh(self) -> int:
        """Read what was stored since; returns how many records that was."""
        with self.index:
            self.index.execute("BEGIN IMMEDIATE")
            added = self._read_records()
            if self._read_sessions() or added:
                self.index.execute(
                    "UPDATE records SET cell = uses.cell FROM uses "
                    "WHERE uses.path = records.path AND uses.cell != records.cell"
                )
        return added

    def entries(
        self,
        cell: str = "*",
        *,
        since: str = "",
        device: str = "*",
        package: str = "",
    ) -> list[Entry]:
        """Runs, the earliest first.

        Args:
            cell: whose, with `*` for anything.
            since: ISO date of the first night.
            device: class of the device, likewise.
            package: requirement that the environment satisfies, such as `transformers>=5`.
        """
        rows = self.index.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM records "  # noqa: S608 - our own names
            "WHERE cell GLOB ? AND night >= ? AND device GLOB ? ORDER BY night, moment, path",
            (cell, since, device),
        )
        entries = [Entry.of_row(row) for row in rows]
        if package:
            known = self.environments().items()
            keys = {key for key, summary in known if satisfies(summary, package)}
            entries = [entry for entry in entries if entry.environment in keys]
        return entries

    def cells(self) -> list[tuple[str, str]]:
        """Cells that sessions judged, each with a class of devices."""
        rows = self.index.execute(
            "SELECT DISTINCT cell, device FROM records WHERE cell GLOB '*/*' ORDER BY 1, 2"
        )
        return [(cell, device) for cell, device in rows]

    def environments(self) -> dict[str, dict[str, Any]]:
        """Descriptions of environments, by the first digits of their keys."""
        rows = self.index.execute("SELECT key, summary FROM environments")
        return {key: json.loads(summary) for key, summary in rows}

    def sessions(self, night: str = "*") -> Iterator[SessionRecord]:
        """What sessions left, the earliest first."""
        rows = self.index.execute(
            "SELECT path, contents FROM sessions WHERE night GLOB ? ORDER BY moment, path", (night,)
        )
        return (self._session(path, text) for path, text in rows)

    def night(self, night: str = "*") -> SessionRecord | None:
        """The last night as one session: the last judgement of each cell; None without one.

        Args:
            night: ISO date, if it is to be another one.

        Raises:
            SpecError: a session of that night, or of a later one, cannot be read.
        """
        cells: dict[str, tuple[SessionRecord, Tonight]] = {}
        last: SessionRecord | None = None
        for session in self.sessions(night):
            if session.nights and (last is None or session.night != last.night):
                cells.clear()
            for cell in session.nights:
                name = f"{cell.name} {cell.device}"
                if cell.records or name not in cells:
                    cells[name] = (session, cell)
            last = session if session.nights else last
        since = night if night != "*" else last.night if last else ""
        for path, error in self.damaged.items():
            if path.startswith("sessions/") and path.split("/")[1] >= since:
                raise SpecError(error)
        if last is None:
            return None
        dirty = {file for session, _ in cells.values() for file in session.revision.dirty}
        return replace(
            last,
            nights=tuple(cell for _, cell in cells.values()),
            outcomes={
                test: outcome
                for session, cell in cells.values()
                for test, outcome in session.outcomes_of(cell.name).items()
            },
            revision=replace(last.revision, dirty=tuple(sorted(dirty))),
        )

    def _session(self, path: str, text: str) -> SessionRecord:
        """The session in a folder.

        Raises:
            SpecError: it makes no sense.
        """
        return SessionRecord.decode(Document.parse(self.root / path / SESSION, text))

    def _open(self) -> sqlite3.Connection:
        """The index; an empty one in place of what is damaged or of another version."""
        path = self.root / NAME
        if not os.access(self.root, os.W_OK):
            return _made(":memory:")
        index = sqlite3.connect(path, timeout=60.0, isolation_level=None)
        try:
            (version,) = index.execute("PRAGMA user_version").fetchone()
        except sqlite3.OperationalError:  # another process has it
            index.close()
            raise
        except sqlite3.DatabaseError:
            version = None
        if version == VERSION:
            return index
        index.close()
        for ending in ("", "-journal"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
        return _made(path)

    def _read_records(self) -> int:
        """Read folders whose time stamp has moved; forget those that are gone."""
        known = dict(self.index.execute("SELECT name, changed FROM folders"))
        now, added, seen = time.time_ns(), 0, set()
        for folder in _scan(self.root / "records"):
            changed = folder.stat().st_mtime_ns
            seen.add(folder.name)
            if known.get(folder.name) != changed:
                added += self._read_folder(Path(folder.path))
                settled = changed if now - changed > _SETTLED else 0
                row = (folder.name, settled)
                self.index.execute("INSERT OR REPLACE INTO folders VALUES (?, ?)", row)
        for name in known.keys() - seen:
            self.index.execute("DELETE FROM folders WHERE name = ?", (name,))
            self.index.execute("DELETE FROM records WHERE folder = ?", (name,))
        return added

    def _read_folder(self, folder: Path) -> int:
        """Read the records of a folder that are not known yet; forget those that are gone."""
        rows = self.index.execute("SELECT path FROM records WHERE folder = ?", (folder.name,))
        known, seen, added = {path for (path,) in rows}, set(), 0
        for kept in (attempt for key in _scan(folder) for attempt in _scan(Path(key.path))):
            path = Path(kept.path).relative_to(self.root / "records").as_posix()
            seen.add(path)
            if path not in known and Path(kept.path, "record.json").is_file():
                added += self._add(path)
        gone = [(path,) for path in known - seen]
        self.index.executemany("DELETE FROM records WHERE path = ?", gone)
        return added

    def _add(self, path: str) -> bool:
        """Read one record; one that cannot be read is listed as damaged, and left out."""
        try:
            entry, summary = read(self.root / "records" / path, path)
        except (OSError, ValueError, KeyError, TypeError, StopIteration, HarnessError):
            self.damaged[path] = f"{path} cannot be read"
            return False
        values = [path.partition("/")[0], *entry.to_row()]
        places = ", ".join("?" * len(values))
        self.index.execute(f"INSERT OR REPLACE INTO records VALUES ({places})", values)  # noqa: S608 - question marks
        self.index.execute(
            "INSERT OR IGNORE INTO environments VALUES (?, ?)",
            (entry.environment, json.dumps(summary)),
        )
        return True

    def _read_sessions(self) -> bool:
        """Read sessions that are not known yet, and which cells they used records for.

        Those that are gone are forgotten.
        """
        any_new = False
        known = {path for (path,) in self.index.execute("SELECT path FROM sessions")}
        nights = [Path(night.path) for night in _scan(self.root / "sessions")]
        folders = [Path(session.path) for night in nights for session in _scan(night)]
        paths = {folder.relative_to(self.root).as_posix(): folder for folder in folders}
        gone = [(path,) for path in known - paths.keys()]
        self.index.executemany("DELETE FROM sessions WHERE path = ?", gone)
        for path, folder in paths.items():
            if path in known:
                continue
            try:
                text = Document.read(folder / SESSION, optional=False).text
                session = self._session(path, text)
            except SpecError as error:
                self.damaged[path] = error.text
                continue
            any_new = True
            row = (path, session.night, session.when, text)
            used = [(place, name) for name, places in session.records.items() for place in places]
            self.index.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", row)
            self.index.executemany("INSERT OR REPLACE INTO uses VALUES (?, ?)", used)
        return any_new


def _made(path: Path | str) -> sqlite3.Connection:
    """An empty index."""
    index = sqlite3.connect(path, timeout=60.0, isolation_level=None)
    try:
        index.executescript(_SCHEMA)
    except sqlite3.Error:
        index.close()
        raise
    return index


def _scan(folder: Path) -> "Iterator[os.DirEntry[str]]":
    """The folders in a folder; none if it is not there."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        yield from (entry for entry in entries if entry.is_dir())

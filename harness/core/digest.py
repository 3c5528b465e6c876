"""Digests: the same content has the same name on every machine and in every process."""

import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

_SETTLED = 2 * 10**9
"""Nanoseconds after which a file's time stamps are sure to move when it changes."""


def canonical(value: object) -> str:
    """The one JSON text of a value: sorted keys, no spaces, NaN refused.

    Raises:
        ValueError: the value holds NaN or an infinity, which are not JSON.
        TypeError: the value is not made of JSON types.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def of_json(value: object) -> str:
    """SHA-256 of a value's canonical JSON, in hexadecimal."""
    return of_bytes(canonical(value).encode())


def of_rows(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """SHA-256 over the rows of a table: its columns' names, then the canonical JSON of each."""
    whole = hashlib.sha256(canonical(list(names)).encode())
    for row in rows:
        whole.update(f"\n{canonical(row)}".encode())
    return whole.hexdigest()


def of_bytes(content: bytes) -> str:
    """SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_large(path: Path) -> str:
    """`of_file` of a file that is needed again and again: read once while it stays as it is.

    A file that was changed a moment ago could change again within the same tick of the clock that
    its time stamps are taken from, and is read every time.
    """
    stat = path.stat()
    changed = max(stat.st_mtime_ns, stat.st_ctime_ns)
    if time.time_ns() - changed < _SETTLED:
        return of_file(path)
    return _of_settled(path, stat.st_ino, stat.st_size, changed)


@lru_cache(maxsize=1024)
def _of_settled(path: Path, *_: int) -> str:
    """The digest of a file, as long as what else is given stays the same."""
    return of_file(path)


def of_files(paths: Iterable[Path], root: Path) -> str:
    """SHA-256 over files: each one's path below `root` and its content, in path order."""
    return of_json({path.relative_to(root).as_posix(): of_file(path) for path in paths})

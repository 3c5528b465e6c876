"""Digests: the same content has the same name on every machine and in every process."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path


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


def of_bytes(content: bytes) -> str:
    """SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_files(paths: Iterable[Path], root: Path) -> str:
    """SHA-256 over files: each one's path below `root` and its content, in path order."""
    return of_json({path.relative_to(root).as_posix(): of_file(path) for path in paths})

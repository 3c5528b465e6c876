"""A sealed folder: files beside a manifest of their digests, so that half a folder is recognized.

    manifest.json    {"version": 1, "when": "2026-10-06T22:15:00+00:00", "files": {NAME: SHA-256}}

Packed, it is one zip with the same bytes wherever it is made: names in order, no time stamps.
"""

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from harness.core import digest

VERSION = 1
MANIFEST = "manifest.json"

Kind = Literal["records", "sessions"]
DEPTHS: Mapping[Kind, int] = {"records": 3, "sessions": 2}
"""Kinds of sealed folders, and how many names lie between a kind and its folders."""

_TORN = (
    zipfile.BadZipFile,
    zlib.error,
    AttributeError,
    EOFError,
    KeyError,
    OSError,
    RuntimeError,
    TypeError,
)
"""What reading a zip, or a manifest of another make, may raise besides ValueError."""


class VersionError(ValueError):
    """A manifest that a newer version has written."""


def is_path(path: str) -> bool:
    """Whether a sealed folder may lie there: `sessions/2026-10-06/0f3a`."""
    kind, *names = path.split("/")
    return _is_inside(path) and any(
        kind == known and len(names) == depth for known, depth in DEPTHS.items()
    )


def seal(folder: Path) -> None:
    """Write the manifest of a folder's files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest = {
        "version": VERSION,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": {path.relative_to(folder).as_posix(): digest.of_file(path) for path in files},
    }
    text = json.dumps(manifest, indent=1) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def check(folder: Path) -> None:
    """Compare a folder with its manifest.

    Raises:
        ValueError: they differ.
        OSError: a file is missing or cannot be read.
    """
    for name, expected in _digests((folder / MANIFEST).read_bytes()).items():
        if digest.of_file(folder / name) != expected:
            raise ValueError(f"{name} has changed")


def pack(folder: Path) -> bytes:
    """A sealed folder as one object.

    Raises:
        ValueError: it is not what was sealed.
        OSError: a file is missing or cannot be read.
    """
    manifest = (folder / MANIFEST).read_bytes()
    contents = {name: (folder / name).read_bytes() for name in _digests(manifest)}
    contents[MANIFEST] = manifest
    _compare(contents)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(contents.items()):
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def unpack(packed: bytes) -> dict[str, bytes]:
    """The files of a packed folder, the manifest among them, by their names.

    Raises:
        ValueError: it is torn, or not what was sealed, or would leave its folder.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            contents = {name: archive.read(name) for name in archive.namelist()}
        _compare(contents)
    except _TORN as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None
    return contents


def fill(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write unpacked files into an empty folder."""
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _compare(contents: Mapping[str, bytes]) -> None:
    """Hold files against the manifest among them.

    Raises:
        ValueError: they differ.
    """
    digests = _digests(contents[MANIFEST])
    if set(contents) != {*digests, MANIFEST}:
        raise ValueError("files and manifest differ")
    for name, expected in digests.items():
        if digest.of_bytes(contents[name]) != expected:
            raise ValueError(f"{name} has changed")


def _digests(text: bytes) -> Mapping[str, str]:
    """A manifest's digests by file.

    Raises:
        VersionError: it is of a newer version.
        ValueError: it names files outside its folder.
    """
    manifest = json.loads(text)
    if manifest["version"] > VERSION:
        raise VersionError(f"{MANIFEST} is of version {manifest['version']}, not {VERSION}")
    files: Mapping[str, str] = manifest["files"]
    for name in files:
        if not _is_inside(name):
            raise ValueError(f"{name!r} is outside its folder")
    return files


def _is_inside(name: str) -> bool:
    """Whether a relative path stays where it is put."""
    return not {"", ".", ".."} & {*name.split("/")}

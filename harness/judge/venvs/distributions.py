"""Distributions that are installed: known to a resolver, and taken along into another environment.

What need not change is taken from where it is: the very files, whether an index still has them or
ever had. A file that was edited is taken as it is, and is part of a distribution's content.
"""

import base64
import contextlib
import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from harness.core import digest
from harness.core.errors import InterpreterError

_ASK = """
import json, sys, sysconfig
paths = sysconfig.get_paths()
site = {"path": sys.path, "prefix": sys.prefix, "tag": sys.implementation.cache_tag}
print(json.dumps({**site, "library": paths["purelib"], "scripts": paths["scripts"]}))
"""

_WHEEL = "Wheel-Version: 1.0\nGenerator: harness\nRoot-Is-Purelib: true\nTag: py3-none-any\n"

_ABOUT = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})
"""Files of `.dist-info` about an installation, rather than about what is installed."""

_COPIED = frozenset({".py", ".json", ".pth"})
"""What people edit in place: an edit here must not reach there. All else is linked, if it can."""

_START = re.compile(rb"\A#!(?:/bin/sh\n'''exec' .*\n' '''|.*python.*)\n")
"""How a script starts that runs under one interpreter; the former where its path is long."""

_RELOCATABLE = b"""#!/bin/sh
\'\'\'exec' "$(dirname -- "$(realpath -- "$0")")"/'python' "$0" "$@"
' \'\'\'
"""
"""How a script starts that runs under the interpreter beside it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Where an interpreter's packages are.

    Attributes:
        path: folders that are looked through.
        prefix: of the environment.
        library: the folder that packages are installed into.
        scripts: the folder that scripts are installed into.
        tag: names its byte code.
    """

    path: tuple[str, ...]
    prefix: Path
    library: Path
    scripts: Path
    tag: str

    @classmethod
    def of(cls, python: Path) -> "Site":
        """An interpreter's.

        Raises:
            InterpreterError: it does not say.
        """
        try:
            answer = subprocess.run(
                [str(python), "-c", _ASK],
                capture_output=True,
                text=True,
                check=True,
                env={**os.environ, "PYTHONSAFEPATH": "1"},
            ).stdout
            paths = json.loads(answer)
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            reason = getattr(error, "stderr", "") or str(error)
            raise InterpreterError(
                f"{python} does not say what is installed",
                why=reason.strip().rpartition("\n")[2],
                fix="name a Python interpreter, 3.11 or newer",
            ) from None
        folders = {name: Path(paths[name]) for name in ("prefix", "library", "scripts")}
        return cls(path=tuple(paths["path"]), tag=paths["tag"], **folders)

    def distributions(self) -> "dict[str, Distribution]":
        """What is installed, by normalized name; the first on the path wins."""
        installed: dict[str, Distribution] = {}
        for description in metadata.distributions(path=list(self.path)):
            name = description.metadata["Name"]
            if name and description.version:
                distribution = Distribution(canonicalize_name(name), description, self)
                installed.setdefault(distribution.name, distribution)
        return dict(sorted(installed.items()))


@dataclass(frozen=True, kw_only=True, slots=True)
class _File:
    """A file of a distribution.

    Attributes:
        path: of it.
        folder: of a site that it belongs below: `library`, `scripts` or `prefix`.
        inside: its place there.
        hash: as `RECORD` has it.
        size: likewise.
    """

    path: Path
    folder: str
    inside: str
    hash: str
    size: str

    def within(self, site: Site) -> Path:
        """Its place in a site."""
        return Path(getattr(site, self.folder), self.inside)


class Distribution:
    """One that is installed."""

    def __init__(self, name: str, description: metadata.Distribution, site: Site) -> None:
        """Describe one of a site by its normalized name and what the standard library knows."""
        self.name = name
        self.version = description.version
        self.site = site
        self.root = Path(str(description.locate_file(""))).absolute()
        self._description = description

    @cached_property
    def pin(self) -> str:
        """The requirement that names this version, as uv writes it."""
        try:
            return f"{self.name}=={Version(self.version)}"
        except InvalidVersion:
            return f"{self.name}==={self.version}"

    @cached_property
    def source(self) -> str:
        """The requirement that names where it was installed from, if that was no index."""
        url = json.loads(self._description.read_text("direct_url.json") or "{}")
        if url.get("dir_info", {}).get("editable"):
            return f"-e {url['url']}"
        if "vcs_info" in url:
            revision = url["vcs_info"]
            return f"{self.name} @ {revision['vcs']}+{url['url']}@{revision['commit_id']}"
        if url:
            return f"{self.name} @ {url['url']}"
        return f"-e {self.root.as_uri()}" if (self.root / "setup.py").is_file() else ""

    @cached_property
    def portable(self) -> bool:
        """Whether its files are known, and work elsewhere: conda's count on their own prefix."""
        installer = (self._description.read_text("INSTALLER") or "").strip()
        listed = installer != "conda" and ".dist-info/RECORD," in self._listing
        return listed and "===" not in self.pin

    @cached_property
    def _listing(self) -> str:
        """`RECORD`; empty if there is none."""
        return self._description.read_text("RECORD") or ""

    @cached_property
    def _files(self) -> list[_File]:
        """Its files less byte code, as `RECORD` lists them; none if it does not."""
        rows = csv.reader(self._listing.splitlines())
        return [
            self._file(*row)
            for row in rows
            if len(row) == 3 and "__pycache__/" not in row[0]  # noqa: PLR2004 - path, hash, size
        ]

    @cached_property
    def _record(self) -> _File:
        """The file that lists the others, itself included."""
        return next(file for file in self._files if _is(file, {"RECORD"}))

    def _file(self, place: str, hashed: str, size: str) -> _File:
        """A row of `RECORD`."""
        path = Path(os.path.normpath(self.root / place))
        if path.is_relative_to(self.root):
            folder, inside = "library", os.path.normpath(place)
        elif path.parent == self.site.scripts or path.parent.name in {"bin", "Scripts"}:
            folder, inside = "scripts", path.name
        else:
            folder, inside = "prefix", os.path.relpath(path, os.path.commonpath([self.root, path]))
        return _File(path=path, folder=folder, inside=inside, hash=hashed, size=size)

    @property
    def _content(self) -> list[_File]:
        """Files that are the same wherever it is installed."""
        return [f for f in self._files if f.folder != "scripts" and not _is(f, _ABOUT)]

    @cached_property
    def edits(self) -> dict[str, str]:
        """Digests of files that are not what was installed, by place; empty for one that is gone.

        `RECORD` is written last: what is older, and as large as it says, is as it was.
        """
        written = self._record.path.stat().st_mtime_ns
        edits = {}
        for file in self._content:
            try:
                stat = file.path.stat()
                if stat.st_mtime_ns > written or str(stat.st_size) != file.size or not file.hash:
                    hashed = _hash(file.path, file.hash.partition("=")[0] or "sha256")
                    if hashed != file.hash:
                        edits[file.inside] = hashed
            except OSError:
                edits[file.inside] = ""
        return edits

    @cached_property
    def content(self) -> str:
        """Digest of its files, wherever they are."""
        hashes = {file.inside: file.hash for file in self._content} | self.edits
        return digest.of_json(dict(sorted(hashes.items())))

    def describe(self, folder: Path) -> None:
        """Write a wheel that holds nothing but its description: enough for a resolver."""
        version = str(Version(self.version))
        stem = f"{self.name.replace('-', '_')}-{version}"
        with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
            text = self._description.read_text("METADATA") or ""
            wheel.writestr(f"{stem}.dist-info/METADATA", text)
            wheel.writestr(f"{stem}.dist-info/WHEEL", _WHEEL)
            wheel.writestr(f"{stem}.dist-info/RECORD", "")

    def copy(self, site: Site) -> None:
        """Install its files into another site; those of another distribution there stay."""
        rows = []
        for file in self._files:
            target = file.within(site)
            place = Path(os.path.relpath(target, site.library)).as_posix()
            if file is self._record:
                rows.append((place, "", ""))
            elif file.path.is_file():
                same = file.folder != "scripts"
                rows.append((place, file.hash if same else "", file.size if same else ""))
                if not target.exists():
                    self._copy(file, target)
        record, copied = self._record.path.stat(), self._record.within(site)
        with copied.open("w", encoding="utf-8", newline="") as lines:
            csv.writer(lines).writerows(rows)
        os.utime(copied, ns=(record.st_atime_ns, record.st_mtime_ns))  # see `edits`

    def _copy(self, file: _File, target: Path) -> None:
        """Copy a file with its byte code, which holds for the same time and size."""
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.folder == "scripts":
            _copy_script(file.path, target)
            return
        _copy_or_link(file.path, target)
        if target.suffix == ".py":
            compiled = Path("__pycache__", f"{target.stem}.{self.site.tag}.pyc")
            if (file.path.parent / compiled).is_file():
                (target.parent / "__pycache__").mkdir(exist_ok=True)
                _copy_or_link(file.path.parent / compiled, target.parent / compiled)


def _is(file: _File, names: Collection[str]) -> bool:
    """Whether a file is one of `.dist-info`, of these names."""
    path = Path(file.inside)
    return path.name in names and path.parent.name.endswith(".dist-info")


def _hash(path: Path, algorithm: str) -> str:
    """A file's digest, as `RECORD` has it."""
    with path.open("rb") as file:
        hashed = hashlib.file_digest(file, algorithm).digest()
    return f"{algorithm}={base64.urlsafe_b64encode(hashed).rstrip(b'=').decode()}"


def _copy_script(path: Path, target: Path) -> None:
    """Copy a script or a program; one that starts an interpreter starts the one beside it."""
    content = path.read_bytes()
    target.write_bytes(_START.sub(lambda _: _RELOCATABLE, content, count=1))
    shutil.copymode(path, target)


def _copy_or_link(path: Path, target: Path) -> None:
    """Have a file in two places; as one, where nobody edits it and the file system can."""
    if path.suffix not in _COPIED:
        with contextlib.suppress(OSError):
            os.link(path.resolve() if path.is_symlink() else path, target)
            return
    shutil.copy2(path, target)

"""Environments: made by uv from exact pins, kept by content, and used again.

A change is resolved first: what is installed in the base stays as it is wherever the change
allows, so that what moved is what had to. An environment's name is the digest of its pins.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlparse

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from harness import digest
from harness.errors import ResolutionError, SpecError

OURS = "finetune-harness"
MANIFEST = "pins.json"
DAY = 86_400.0


def change(written: str) -> str:
    """A line of a requirements file from what a user names.

    Args:
        written: a requirement, a wheel, a project's folder, or a requirements file.

    Raises:
        SpecError: it is none of these.
    """
    path = Path(written).absolute()
    if path.is_dir():
        if not any((path / name).is_file() for name in ("pyproject.toml", "setup.py")):
            raise SpecError(
                f"{written} is no project",
                why="it has neither pyproject.toml nor setup.py",
                fix="name the folder that holds one",
            )
        return path.as_uri()
    if path.is_file():
        return path.as_uri() if path.suffix == ".whl" else f"-r {path}"
    try:
        Requirement(written)
    except InvalidRequirement as error:
        raise SpecError(
            f"{written!r} is neither a requirement nor a file",
            why=str(error).splitlines()[0],
            fix="write it as pip does: 'transformers==5.18.0', 'datasets>=5'",
        ) from None
    return written


def names(written: str) -> set[str]:
    """The packages that a change names, normalized; of a project without a name, its folder's."""
    path = Path(written).absolute()
    if path.is_dir():
        table = path / "pyproject.toml"
        told = tomllib.loads(table.read_text(encoding="utf-8")) if table.is_file() else {}
        return {canonicalize_name(told.get("project", {}).get("name", path.name))}
    if path.suffix == ".whl":
        return {canonicalize_name(path.name.partition("-")[0])}
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else [written]
    found = (re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", line) for line in lines)
    return {canonicalize_name(match[1]) for match in found if match}


def owns(python: Path) -> bool:
    """Whether an interpreter is that of an environment made here, and not a user's."""
    return (python.parent.parent / MANIFEST).is_file()


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """An environment that is there to be used again.

    Attributes:
        folder: of the environment.
        pins: what is installed in it.
        used: when it was last asked for, seconds since the epoch.
    """

    folder: Path
    pins: tuple[str, ...]
    used: float

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return _python(self.folder)


@dataclass(frozen=True, kw_only=True, slots=True)
class Environments:
    """Makes environments below a folder.

    Attributes:
        folder: that keeps them.
        arguments: for every call of uv that fetches: indexes, `--find-links`, `--offline`, …
    """

    folder: Path
    arguments: tuple[str, ...] = ()

    def resolve(self, base: Path, changes: Sequence[str]) -> tuple[str, ...]:
        """Exact pins of everything in the base's environment, changed as little as asked.

        Args:
            base: an interpreter.
            changes: lines of a requirements file; see `change`.

        Raises:
            ResolutionError: there is no such set of packages; in the resolver's words.
        """
        installed = _installed(base)
        names = [line if _direct(line) else line.partition("==")[0] for line in installed]
        return self._compile([*names, *changes], "--python", str(base), preferred=installed)

    def _compile(
        self, wanted: Sequence[str], *arguments: str, preferred: Sequence[str] = ()
    ) -> tuple[str, ...]:
        """Exact pins for some requirements, those preferred where they will do."""
        with tempfile.TemporaryDirectory() as name:
            asked, pins = Path(name, "wanted.in"), Path(name, "pins.txt")
            asked.write_text("\n".join(wanted) + "\n", encoding="utf-8")
            pins.write_text("\n".join(preferred) + "\n", encoding="utf-8")
            into = ["--no-header", "--no-annotate", "--output-file", str(pins), str(asked)]
            self._uv("pip", "compile", *self.arguments, *arguments, *into)
            lines = pins.read_text(encoding="utf-8").splitlines()
        return tuple(line for line in lines if line and not line.startswith("#"))

    def make(self, base: Path, pins: Sequence[str]) -> Path:
        """The interpreter of an environment with exactly these pins; made if it is not there.

        Raises:
            ResolutionError: something cannot be installed; in uv's words.
        """
        told = [str(base.resolve()), *pins, *map(_content, filter(_direct, pins))]
        folder = self.folder / digest.of_json(told)[:16]
        if not folder.is_dir():
            self._install(base, pins, folder)
        (folder / MANIFEST).touch()
        return _python(folder)

    def releases(self, name: str, first: str, last: str) -> list[str]:
        """Releases of a package from one to another, whichever is newer, in that direction.

        Asked of the resolver one by one, so that indexes, dates and interpreters count as ever.
        """
        oldest, newest = sorted([first, last], key=Version)
        found = [newest]
        while Version(found[-1]) > Version(oldest):
            asked = f"{name}>={oldest},<{found[-1]}"
            try:
                (pin,) = self._compile([asked], "--no-deps")
            except ResolutionError:  # yanked, or on no index: its ends are known all the same
                found.append(oldest)
            else:
                found.append(pin.partition("==")[2])
        return found if first == newest else found[::-1]

    def kept(self) -> list[Kept]:
        """Every environment that is there, the last used first."""
        return sorted(self._kept(), key=lambda kept: -kept.used)

    def prune(self, days: float) -> list[Kept]:
        """Remove environments that were not used for some days; those removed."""
        old = [kept for kept in self._kept() if time.time() - kept.used >= days * DAY]
        for kept in old:
            shutil.rmtree(kept.folder)
        return old

    def _kept(self) -> Iterator[Kept]:
        """Every environment that is there."""
        for manifest in self.folder.glob(f"*/{MANIFEST}"):
            pins = tuple(json.loads(manifest.read_text(encoding="utf-8")))
            yield Kept(folder=manifest.parent, pins=pins, used=manifest.stat().st_mtime)

    def _install(self, base: Path, pins: Sequence[str], folder: Path) -> None:
        """Install pins beside, and rename into place; losing that race is success."""
        self.folder.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=".", dir=self.folder))
        try:
            self._uv(
                "venv", "--relocatable", "--allow-existing", "--python", str(base), str(staged)
            )
            listed = staged / "pins.txt"
            listed.write_text("\n".join(pins) + "\n", encoding="utf-8")
            python = str(_python(staged))
            into = ["--python", python, "--no-deps", "--requirements", str(listed)]
            for pin in filter(_direct, pins):  # uv would use what it built of the folder before
                into += ["--refresh-package", pin.partition(" @ ")[0]] if " @ " in pin else []
            self._uv("pip", "install", *self.arguments, *into)
            (staged / MANIFEST).write_text(json.dumps(list(pins)), encoding="utf-8")
            staged.chmod(0o755)
            try:
                staged.rename(folder)
            except OSError:
                if not folder.is_dir():
                    raise
        finally:
            shutil.rmtree(staged, ignore_errors=True)

    def _uv(self, *arguments: str) -> None:
        """Run uv.

        Raises:
            ResolutionError: it failed; in its own words.
        """
        done = subprocess.run(
            [sys.executable, "-m", "uv", *arguments, "--quiet"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ResolutionError(
                f"uv {' '.join(arguments[:2])} failed",
                why=done.stderr.strip(),
                fix="ask for versions that exist together; --index-url and --find-links say where",
            )


def _installed(python: Path) -> list[str]:
    """Everything in an interpreter's environment but this project, as pins."""
    done = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "freeze", "--quiet", "--python", str(python)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ResolutionError(f"{python} cannot be read", why=done.stderr.strip())
    ours = Path(__file__).parent.parent
    return [
        line
        for line in done.stdout.splitlines()
        if not line.startswith(OURS) and not (_direct(line) and _path(line) == ours)
    ]


def _direct(line: str) -> bool:
    """Whether a pin is a file or a folder rather than a version of an index."""
    return "file://" in line


def _path(line: str) -> Path:
    """The file or folder of such a pin."""
    return Path(unquote(urlparse(line[line.index("file://") :].split(maxsplit=1)[0]).path))


def _content(line: str) -> str:
    """Digest of what such a pin installs: another wheel of the same name is another environment."""
    path = _path(line)
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*.py") if p.is_file())
    return digest.of_files(files, path.parent)


def _python(folder: Path) -> Path:
    """The interpreter of an environment."""
    return folder / "bin" / "python"

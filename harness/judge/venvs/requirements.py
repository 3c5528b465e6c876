"""Requirements: what a user wants changed, as lines of a file of requirements."""

import os
import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlparse

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from harness.core import digest
from harness.core.errors import SpecError

_SOURCES = (".whl", ".tar.gz", ".tar.bz2", ".zip")
"""How files of one distribution end."""

_FILES = (*_SOURCES, ".txt", ".in", ".toml", ".cfg")
"""How no requirement ends, but a file that is meant."""

_PROJECT = ("pyproject.toml", "setup.py")

_BUILT = frozenset({"__pycache__", "build", "dist", "node_modules"})
"""Folders of a project that hold what was made from the rest."""


def line(written: str) -> str:
    """A line of a file of requirements.

    Args:
        written: a requirement, a wheel or another file of one distribution, a project's folder,
            or a file of requirements.

    Raises:
        SpecError: it is none of these.
    """
    path = _path(written)
    if path.is_dir():
        if not any((path / name).is_file() for name in _PROJECT):
            raise SpecError(
                f"{written} is no project",
                why=f"it has neither {' nor '.join(_PROJECT)}",
                fix="name the folder that holds one",
            )
        return path.as_uri()
    if path.is_file():
        if path.name in _PROJECT:
            return path.parent.as_uri()
        if path.suffix == ".py":
            raise SpecError(
                f"{written} is no change",
                why="a file of Python is no file of requirements",
                fix=f"name suites with --suites {written}",
            )
        return path.as_uri() if path.name.endswith(_SOURCES) else f"-r {path}"
    if _is_path(written):
        raise SpecError(
            f"there is no {written}",
            why=f"{path} is neither a file nor a folder",
            fix="name one that is there, or a requirement such as transformers==5.18.0",
        )
    try:
        Requirement(written)
    except InvalidRequirement as error:
        raise SpecError(
            f"{written!r} is neither a requirement nor a file",
            why=str(error).splitlines()[0],
            fix="write it as pip does: 'transformers==5.18.0', 'datasets>=5'",
        ) from None
    return written


def _path(written: str) -> Path:
    """The file or folder that may be meant.

    Raises:
        SpecError: there is none whose name is so long.
    """
    path = Path(os.path.expanduser(written)).absolute()  # noqa: PTH111 - nobody's home is no error
    try:
        path.is_dir()
    except OSError as error:
        raise SpecError(f"{written} is no change", why=error.strerror or str(error)) from None
    return path


def _is_path(written: str) -> bool:
    """Whether something that is not there was meant to be a file or a folder."""
    plain = "://" not in written and " @ " not in written
    return plain and (
        os.sep in written or written.startswith((".", "~")) or written.endswith(_FILES)
    )


def names(written: str) -> set[str]:
    """The packages that a change names, normalized; of a project without a name, its folder's.

    Args:
        written: see `line`.

    Raises:
        SpecError: a project's table cannot be read.
    """
    path = _path(written)
    if path.name in _PROJECT and path.is_file():
        path = path.parent
    if path.is_dir():
        return {canonicalize_name(_project(path).get("name", path.name))}
    if path.name.endswith(_SOURCES) and " @ " not in written:
        return {canonicalize_name(re.split(r"-(?=\d)", path.name)[0])}
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else written
    matches = (re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", text) for text in text.splitlines())
    return {canonicalize_name(match[1]) for match in matches if match}


def named(lines: Iterable[str]) -> set[str]:
    """The packages that lines of a file of requirements name, in the files that they name too."""
    files = (re.sub(r"^(-r|-c|-e|--requirement|--constraint|--editable)[ =]", "", x) for x in lines)
    paths = (unquote(urlparse(x).path) if x.startswith("file://") else x for x in files)
    return {name for path in paths for name in names(path)}


def _project(folder: Path) -> dict[str, str]:
    """The table of a project; empty if it has none."""
    path = folder / "pyproject.toml"
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError as error:  # of TOML, or of UTF-8
        raise SpecError(f"{path} cannot be read", why=str(error)) from None
    project = tables.get("project")
    return project if isinstance(project, dict) else {}


def is_direct(pin: str) -> bool:
    """Whether a pin is a file or a folder rather than a version of an index."""
    return "file://" in pin


def content(pin: str) -> str:
    """Digest of what such a pin installs: another wheel of the same name is another environment."""
    url = pin[pin.index("file://") :].split(maxsplit=1)[0]
    path = Path(unquote(urlparse(url).path))
    files = [path] if path.is_file() else sorted(set(_files(path)))
    return digest.of_files(files, path.parent)


def _files(folder: Path) -> Iterator[Path]:
    """Files of a project that decide what is built of it: all that git does not ignore.

    Without git, all but hidden ones, environments and what was built before.
    """
    listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(
            ["git", "-C", str(folder), *listing],  # noqa: S607 - the user's own
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = []
    if not any(listed):  # there is no git, or the project is in a folder that git ignores
        yield from _visible(folder)
    for name in filter(None, listed):
        path = folder / name
        if path.is_dir():  # a submodule
            yield from _files(path)
        elif path.is_file():
            yield path


def _visible(folder: Path) -> Iterator[Path]:
    """Files of a folder, less hidden and built ones."""
    for root, folders, files in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if name not in _BUILT
            and not name.startswith(".")
            and not name.endswith(".egg-info")
            and not Path(root, name, "pyvenv.cfg").exists()
        ]
        paths = (Path(root, name) for name in files if not name.startswith("."))
        yield from (path for path in paths if path.is_file())

"""Environments made by uv, in seconds where its cache is warm."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from tests.repositories import ROOT

UV = [sys.executable, "-m", "uv"]


def pinned(name: str) -> str:
    """A requirement as constraints.txt pins it."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith(f"{name}=="))


def project() -> dict[str, Any]:
    """This project's table of pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text)["project"]
    return table


def supported() -> list[str]:
    """The versions of Python that the project says it supports, such as `3.12`."""
    classifiers = (line.rpartition(" :: ") for line in project()["classifiers"])
    return [x for kind, _, x in classifiers if kind.endswith(":: Python") and "." in x]


def at_hand(version: str) -> Path | None:
    """An interpreter of a version such as `3.12`; None if none is found, for none is fetched."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    find = [*UV, "python", "find", "--no-python-downloads", version]
    done = subprocess.run(find, capture_output=True, text=True, check=False)
    return Path(done.stdout.strip()) if done.returncode == 0 else None


def links() -> list[str]:
    """The places that pip finds wheels in: uv does not look there by itself."""
    places = os.environ.get("PIP_FIND_LINKS", "").split()
    return [word for place in places for word in ("--find-links", place)]


def environment(folder: Path, *requirements: str) -> Path:
    """The interpreter of a new environment with these requirements, and the torch tested here."""
    return plain_environment(folder, pinned("torch"), *requirements)


def plain_environment(folder: Path, *requirements: str, base: Path | None = None) -> Path:
    """The interpreter of a new environment with these requirements alone.

    Args:
        folder: for it.
        requirements: of pip's.
        base: the interpreter to make it of; the running one if left out.
    """
    base_of = ["--python", str(base or sys.executable)]
    subprocess.run([*UV, "venv", "--quiet", *base_of, str(folder)], check=True)
    python = folder / "bin" / "python"
    install = [*UV, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
    subprocess.run([*install, *links(), *requirements], check=True)
    return python


def wheel(folder: Path) -> Path:
    """This project's wheel, built into a folder."""
    subprocess.run([*UV, "build", "--quiet", "--wheel", "--out-dir", str(folder), ROOT], check=True)
    return next(folder.glob("*.whl"))

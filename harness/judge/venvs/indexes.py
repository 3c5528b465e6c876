"""Indexes: where pip finds packages, as options and variables of uv, which reads none of pip's.

What made the running environment makes the next one too: pip's files of configuration and its
variables are read by pip itself. uv reads its own files and variables.
"""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_SECTIONS = ("global", "install", ":env:")
"""Where pip reads an option of `pip install`; a later one wins."""

_OPTIONS = {
    "find-links": "--find-links",
    "index-url": "--index-url",
    "extra-index-url": "--extra-index-url",
    "constraint": "--constraint",
}
"""Options of pip that a file of requirements may hold, for uv as for pip."""

_VARIABLES = {"cert": "SSL_CERT_FILE", "proxy": "ALL_PROXY", "trusted-host": "UV_INSECURE_HOST"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Indexes:
    """Where packages come from.

    Attributes:
        lines: of a file of requirements: a command line would show passwords to everybody.
        variables: of uv's environment, where the user has not set them.
    """

    lines: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, python: Path) -> "Indexes":
        """Where the pip of an interpreter looks; else that which runs this, or the user's."""
        options = _configuration(python)
        lines = [
            f"{flag} {_absolute(value)}"
            for name, flag in _OPTIONS.items()
            for value in options.get(name, "").split()
        ]
        if options.get("no-index", "").lower() in {"1", "true", "yes", "on"}:
            lines.append("--no-index")
        variables = {
            variable: " ".join(options[name].split())
            for name, variable in _VARIABLES.items()
            if name in options
        }
        if "extra-index-url" in options:  # all are one to pip; to uv, the first one wins
            variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
        return cls(lines=tuple(lines), variables=variables)


def _configuration(python: Path) -> dict[str, str]:
    """Options of `pip install` by name, as files and variables set them; empty without a pip."""
    for command in _pips(python):
        try:
            listed = subprocess.run(
                [*command, "config", "list"], capture_output=True, text=True, check=True
            ).stdout
        except (OSError, subprocess.CalledProcessError):
            continue
        sections: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
        for line in listed.splitlines():
            name, _, value = line.partition("=")
            section, _, option = name.rpartition(".")
            if section in sections:
                sections[section][option] = str(ast.literal_eval(value))
        return {name: value for options in sections.values() for name, value in options.items()}
    return {}


def _pips(python: Path) -> Iterator[list[str]]:
    """Commands that may be pip, the nearest first."""
    yield [str(python), "-m", "pip"]
    yield [sys.executable, "-m", "pip"]
    pip = shutil.which("pip")
    if pip:
        yield [pip]


def _absolute(place: str) -> str:
    """A place that does not depend on the current folder."""
    if "://" in place:
        return place
    path = Path(os.path.expanduser(place))  # noqa: PTH111 - nobody's home is no error
    return path.absolute().as_uri()

"""The installer: runs uv with the indexes of pip, and passes on why it fails."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.core import redaction
from harness.core.errors import ResolutionError
from harness.judge.venvs import requirements
from harness.judge.venvs.indexes import Indexes

_MOST_LINES = 20
"""Of what uv says; more is the log of a build."""


@dataclass(frozen=True, kw_only=True)
class Installer:
    """Resolves and installs requirements.

    Attributes:
        arguments: for every call of uv that fetches: indexes, `--find-links`, `--offline`, …
        python: whose pip knows where packages come from.
        wheels: whether to leave out what would have to be built first.
    """

    arguments: tuple[str, ...] = ()
    python: Path = Path(sys.executable)
    wheels: bool = False

    @cached_property
    def _indexes(self) -> Indexes:
        """Where pip finds packages."""
        return Indexes.of(self.python)

    def compile(
        self, wanted: Sequence[str], *arguments: str, preferred: Sequence[str] = ()
    ) -> tuple[str, ...]:
        """Exact pins for some requirements, those preferred where they will do.

        Raises:
            ResolutionError: there is no such set of packages.
        """
        binary = self.wheels and not any(map(requirements.is_direct, wanted))
        with tempfile.TemporaryDirectory() as name:
            listed, pins = Path(name, "wanted.in"), Path(name, "pins.txt")
            _write(listed, [*self._indexes.lines, *wanted])
            _write(pins, preferred)
            into = ["--no-header", "--no-annotate", "--output-file", str(pins), str(listed)]
            into += ["--only-binary", ":all:"] if binary else []
            self._run("pip", "compile", *self.arguments, *arguments, *into)
            lines = pins.read_text(encoding="utf-8").splitlines()
        return tuple(line for line in lines if line and not line.startswith("#"))

    def venv(self, base: Path, folder: Path) -> None:
        """Make an environment without packages, of the base's interpreter.

        Raises:
            ResolutionError: there can be none.
        """
        self._run("venv", "--relocatable", "--allow-existing", "--python", str(base), str(folder))

    def install(self, pins: Sequence[str], python: Path) -> None:
        """Install pins from where packages come from.

        Raises:
            ResolutionError: one cannot be had, or built.
        """
        into = ["--python", str(python), "--no-deps"]
        for pin in pins:
            if not requirements.is_direct(pin):
                into += ["--only-binary", pin.partition("==")[0]] if self.wheels else []
            elif " @ " in pin:  # uv would use what it built of the folder before
                into += ["--refresh-package", pin.partition(" @ ")[0]]
        with tempfile.TemporaryDirectory() as name:
            listed = Path(name, "pins.txt")
            _write(listed, [*self._indexes.lines, *pins])
            self._run("pip", "install", *self.arguments, *into, "--requirements", str(listed))

    def _run(self, *arguments: str) -> None:
        """Run uv.

        Raises:
            ResolutionError: it failed, with its own message.
        """
        done = subprocess.run(
            [sys.executable, "-m", "uv", *arguments, "--quiet"],
            capture_output=True,
            text=True,
            check=False,
            env={**self._indexes.variables, **os.environ},
        )
        if done.returncode:
            raise ResolutionError(
                f"uv {' '.join(arguments[:2])} failed",
                why=redaction.text(_reason(done.stderr)),
                fix="ask for versions that exist together; --index and --find-links say where",
            )


def _reason(output: str) -> str:
    """What uv says; of a failed build, which release it was and the log's last line."""
    lines = [line for line in output.strip().splitlines() if line.strip()]
    first, *rest = lines or ["it does not say why"]
    if "ailed to build" in first or len(lines) > _MOST_LINES:
        log = [line.strip() for line in rest if not line.startswith("hint:")]
        return "\n".join([first, *[line for line in log if not line.startswith("--")][-1:]])
    return "\n".join(lines)


def _write(path: Path, lines: Sequence[str]) -> None:
    """Write a file of requirements."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")

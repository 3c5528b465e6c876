"""Launching workers in the judged interpreter: what they are given, and how they start."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

from harness.core import redaction
from harness.core.environment import REQUIRED, TOWER
from harness.core.errors import InterpreterError, RunError
from harness.judge.console import silence
from harness.judge.runs import variables
from harness.judge.runs.child import Child, kill_group, last_lines, tail, written
from harness.judge.runs.zygote import IMPORTING, ZygoteProcess
from harness.judge.venvs import build, support

PACKAGE = Path(__file__).resolve().parents[2]

FORKS = sys.platform == "linux"
"""Elsewhere forking after the libraries are imported is missing (Windows) or unsafe (macOS)."""


def child_environment(scratch: Path, further: Collection[str] = ()) -> dict[str, str]:
    """Environment variables of a process in the judged interpreter.

    Its path gains one folder that holds nothing but links to the judged tower's half of this
    package, so that none of the judging tower can be imported, nor what it needs. What is passed is
    listed in `harness.judge.runs.variables`: every input is a local path, so the judged environment
    has no use for secrets, nor for the Hub. One accelerator is visible: the Trainer would spread a
    batch over several without a word.
    """
    path = scratch / "path"
    (path / PACKAGE.name).mkdir(parents=True, exist_ok=True)
    for name in ("__init__.py", *TOWER):
        with contextlib.suppress(FileExistsError):
            (path / PACKAGE.name / name).symlink_to(PACKAGE / name)
    passed = variables.passed(os.environ, further)
    given = passed.get("PYTHONPATH")
    return {
        "TOKENIZERS_PARALLELISM": "false",  # or it warns whenever a data loader forks
        **passed,
        "HF_HUB_OFFLINE": "1",
        "HF_MODULES_CACHE": str(scratch / "modules"),
        "PYTHONPATH": os.pathsep.join([str(path), *([given] if given else [])]),
        "PYTHONSAFEPATH": "1",
        "CUDA_VISIBLE_DEVICES": passed.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0],
        "PYTORCH_NVML_BASED_CUDA_CHECK": "1",  # asking for CUDA must not start it before a fork
    }


class Launcher:
    """Starts workers in one interpreter: children of a zygote, or fresh processes."""

    def __init__(
        self,
        python: Path,
        *,
        fork: bool = FORKS,
        announce: Callable[[str], None] = silence,
        pass_environment: Sequence[str] = (),
        importing: float = IMPORTING,
    ) -> None:
        """Prepare; nothing is started before the first conversation.

        Args:
            python: the interpreter.
            fork: whether workers are a zygote's children.
            announce: called with what takes long, when it begins.
            pass_environment: names of variables that workers are given beside the listed ones.
            importing: seconds that it may take to import what is to be judged.
        """
        self.announce = announce
        self.python = python
        self.importing = importing
        self.fork = fork
        self.further = sorted(set(pass_environment))
        self.folder = Path(tempfile.mkdtemp(prefix="harness-"))
        self.environment = child_environment(self.folder, self.further)
        if build.owns(python):  # uv has compiled nothing, and every process would have to
            self.environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self._zygote = ZygoteProcess(self.folder, self._load, importing)
        self._children: weakref.WeakSet[Child] = weakref.WeakSet()
        self._processes: weakref.WeakSet[subprocess.Popen[str]] = weakref.WeakSet()
        self._starting = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        """Use as a context manager to be sure that it is closed."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def describe(self, cache: Path) -> dict[str, Any]:
        """What the interpreter says of itself; see `harness.core.environment.describe`.

        Raises:
            InterpreterError: it does not start, or lacks what is to be judged, or has versions
                that cannot be.
        """
        answer = self._run("-m", "harness.core.environment", str(cache), *self.further)
        if answer.returncode:
            raise InterpreterError(
                f"{self.python} cannot be judged",
                why=redaction.text(answer.stderr.strip().rpartition("\n")[2]),
                fix="it must be Python 3.11 or newer",
            )
        description: dict[str, Any] = json.loads(answer.stdout)
        if description["missing"]:
            install = support.installing(self.python, description["missing"])
            raise InterpreterError(
                f"{self.python} cannot be judged: it has no {', '.join(description['missing'])}",
                fix=f"run {install}, or name another interpreter with --harness-python",
            )
        support.check(description["packages"], str(self.python))
        return description

    def start(self) -> None:
        """Import the libraries now rather than with the first conversation.

        Raises:
            InterpreterError: the interpreter cannot import what is to be judged.
        """
        if self.fork:
            with self._explaining():
                self._zygote.start()
            return
        done = self._run("-c", f"import {', '.join(REQUIRED)}")
        if done.returncode:
            raise self._unfit(done.stdout + done.stderr)

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """What the interpreter does by itself and soon; Ctrl-C in a terminal does not reach it.

        Raises:
            InterpreterError: it does not start, or takes too long and was killed.
        """
        with self._popen(arguments, subprocess.PIPE) as process:
            try:
                stdout, stderr = process.communicate(timeout=self.importing)
            except subprocess.TimeoutExpired:
                raise self._too_slow() from None
            finally:
                kill_group(process.pid)  # and what it may have started
        return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)

    def converse(self, job: Mapping[str, Any], log: Path) -> Child:
        """Start a job in a child of its own.

        Raises:
            InterpreterError: the interpreter cannot import what is to be judged.
        """
        with self._explaining():
            child = self._zygote.connect(log) if self.fork else self._spawn(log)
        self._children.add(child)
        child.send(job)
        return child

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for one job."""
        with tempfile.TemporaryDirectory(dir=self.folder, ignore_cleanup_errors=True) as name:
            yield Path(name)

    def close(self) -> None:
        """End the zygote, its children with it, and remove what was written for them.

        Another thread may be about to start a process: it ends, too.
        """
        with self._starting:
            self._closed = True
        self._zygote.close()
        for child in [*self._children]:
            child.close()
        for process in [*self._processes]:
            if process.poll() is None:
                kill_group(process.pid)
        for folder, names, files in os.walk(self.folder, topdown=False):
            for name in files + [name for name in names if Path(folder, name).is_symlink()]:
                Path(folder, name).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                Path(folder).rmdir()

    def _spawn(self, log: Path) -> Child:
        """Start a fresh process."""
        with log.open("w", encoding="utf-8") as output:
            process = self._popen(["-m", "harness.worker", "once"], output)
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        assert process.stdout is not None  # noqa: S101 - likewise
        return Child(process.stdin, process.stdout, log, process=process)

    def _load(self, arguments: Sequence[str], log: IO[str]) -> subprocess.Popen[str]:
        """Start a zygote, which takes long."""
        self.announce(f"loading {', '.join(REQUIRED)} of {self.python}")
        return self._popen(arguments, log)

    def _popen(self, arguments: Sequence[str], errors: IO[str] | int) -> subprocess.Popen[str]:
        """Start the interpreter, in a process group of its own."""
        with self._starting:
            if self._closed:
                raise RunError("the session ended before a process was started")
            try:
                process = subprocess.Popen(
                    [str(self.python), *arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    env=self.environment,
                    cwd=self.folder,
                    start_new_session=True,
                )
            except OSError as error:
                raise self._not_started(error) from None
            self._processes.add(process)
        return process

    @contextlib.contextmanager
    def _explaining(self) -> Iterator[None]:
        """Say what it means that there is no zygote."""
        try:
            yield
        except TimeoutError:
            raise self._too_slow() from None
        except EOFError:
            death = self._zygote.death
            if not death:
                raise self._unfit(written(self._zygote.log)) from None
            raise RunError(
                f"the process that starts runs {death}, and was started again before",
                why=tail(self._zygote.log),
            ) from None

    def _too_slow(self) -> InterpreterError:
        """The error for an interpreter that hangs."""
        return InterpreterError(
            f"{self.python} took longer than {self.importing:g} s to import what is to be judged, "
            "and was killed",
            why=tail(self._zygote.log) if written(self._zygote.log) else "",
            fix="import torch and transformers there by hand to see what it waits for",
        )

    def _not_started(self, error: OSError) -> InterpreterError:
        """The error for an interpreter that is none."""
        return InterpreterError(
            f"{self.python} cannot be started",
            why=error.strerror or str(error),
            fix="check --harness-python",
        )

    def _unfit(self, log: str) -> InterpreterError:
        """The error for an interpreter whose zygote did not come up.

        The last line of a traceback is the reason; its frames are mostly our own.
        """
        lines = redaction.text(log).splitlines()
        raised = any(line.startswith("Traceback (most") for line in lines)
        reason = f": {lines[-1].strip()}" if raised else ""
        return InterpreterError(
            f"{self.python} cannot import what is to be judged{reason}",
            why="" if raised else last_lines(log),
            fix="install torch, transformers, datasets, evaluate and accelerate there, such as go "
            "together, or name another interpreter with --harness-python",
        )

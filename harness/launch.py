"""Launching workers in the judged interpreter, and outliving whatever happens to them."""

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Self

from harness import environments, errors, redaction, support
from harness.environment import REQUIRED
from harness.errors import HarnessError, InterpreterError, RunError

PACKAGE = Path(__file__).resolve().parent
TAIL = 15
"""Lines of a lost run's log that its error shows."""

FORKS = sys.platform == "linux"
"""Elsewhere forking after the libraries are imported is missing (Windows) or unsafe (macOS)."""

Progress = Callable[[int, int], None]
Event = Mapping[str, Any]


def child_environment(scratch: Path) -> dict[str, str]:
    """Environment variables of a process in the judged interpreter.

    Its path gains one folder that holds nothing but a link to this package, so that none of
    the judging tower's own dependencies can be imported by accident. Secrets stay here: every
    input is a local path, so the judged environment has no use for them, nor for the Hub.
    One accelerator is visible: the Trainer would spread a batch over several without a word.
    """
    link = scratch / "path" / PACKAGE.name
    link.parent.mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError):
        link.symlink_to(PACKAGE, target_is_directory=True)
    variables = redaction.without_secrets(os.environ)
    given = variables.get("PYTHONPATH")
    return {
        "TOKENIZERS_PARALLELISM": "false",  # or it warns whenever a data loader forks
        **variables,
        "HF_HUB_OFFLINE": "1",
        "HF_MODULES_CACHE": str(scratch / "modules"),
        "PYTHONPATH": os.pathsep.join([str(link.parent), *([given] if given else [])]),
        "PYTHONSAFEPATH": "1",
        "CUDA_VISIBLE_DEVICES": variables.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0],
        "PYTORCH_NVML_BASED_CUDA_CHECK": "1",  # asking for CUDA must not start it before a fork
    }


class Child:
    """One conversation with a worker, from the outside. Close it when done."""

    def __init__(
        self,
        writer: IO[str],
        reader: IO[str],
        log: Path,
        *,
        connection: socket.socket | None = None,
        process: "subprocess.Popen[str] | None" = None,
    ) -> None:
        """Talk over two text streams to a worker that writes its output to a log.

        The streams are those of a connection, or of a process of the worker's own.
        """
        self.writer = writer
        self.connection = connection
        self.log = log
        self.process = process
        self.pid: int | None = None
        self.events: queue.Queue[Event | None] = queue.Queue()
        self.listener = threading.Thread(target=self._listen, args=[reader], daemon=True)
        self.listener.start()

    def _listen(self, reader: IO[str]) -> None:
        """Queue every event; None says that the other side has gone."""
        with reader, contextlib.suppress(OSError, ValueError):
            for line in reader:
                self.events.put(json.loads(line))
        if self.process is not None:
            code = self.process.wait()
            self.events.put({"event": "exit", "code": max(code, 0), "signal": max(-code, 0)})
        self.events.put(None)

    def send(self, value: object) -> None:
        """Send one line of JSON; a child that is gone will say so through its events."""
        with contextlib.suppress(OSError):
            self.writer.write(json.dumps(value) + "\n")
            self.writer.flush()

    def await_result(self, timeout: float, progress: Progress | None = None) -> Any:
        """The value of the next `result`.

        Raises:
            RunError: the child crashed, was killed, or took longer than `timeout` seconds.
            HarnessError: what the child itself raised.
        """
        deadline = time.monotonic() + timeout
        failure: HarnessError | None = None
        while True:
            try:
                event = self.events.get(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                self.kill()
                raise self._lost(
                    f"the run took longer than {timeout:g} s and was killed",
                    fix="raise --harness-timeout, or shorten the recipe",
                ) from None
            kind = None if event is None else event["event"]
            if event is None or kind == "exit":
                raise failure or self._gone(event)
            if kind == "result":
                return event["value"]
            if kind == "started":
                self.pid = event["pid"]
            elif kind == "progress" and progress is not None:
                progress(event["step"], event["total"])
            elif kind == "error":
                raise getattr(errors, event["kind"])(
                    event["what"], why=event["why"], fix=event["fix"]
                )
            elif kind == "crash":
                failure = self._lost(f"the run crashed: {event['summary']}")

    def kill(self) -> None:
        """Kill the worker and everything it started."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the conversation: a live child stops, and is waited for."""
        with contextlib.suppress(OSError):
            self.writer.close()
        if self.connection is not None:
            with contextlib.suppress(OSError):  # it is gone already
                self.connection.shutdown(socket.SHUT_WR)
            self.connection.close()
        self.listener.join()

    def _gone(self, event: Event | None) -> RunError:
        """The error for a child that ended without a word."""
        number = 0 if event is None else event["signal"]
        if number == signal.SIGKILL:
            return self._lost("the run was killed: the machine ran out of memory, most likely")
        if number:
            return self._lost(f"the run was ended by {signal.Signals(number).name}")
        code = "" if event is None else f" with exit code {event['code']}"
        return self._lost(f"the run ended{code} before it was done")

    def _lost(self, what: str, *, fix: str = "") -> RunError:
        """A lost run's error with the last lines of its log."""
        return RunError(redaction.text(what), why=tail(self.log), fix=fix)


def tail(log: Path) -> str:
    """The last lines of a log, secrets removed, as an error quotes them."""
    lines = [f"  | {line}" for line in redaction.text(_read(log)).splitlines()[-TAIL:]]
    return "\n".join(["last lines of its log:", *lines]) if lines else "its log is empty"


def _read(log: Path) -> str:
    """What a log holds, as far as it can be read."""
    try:
        return log.read_text(encoding="utf-8", errors="replace").rstrip()
    except OSError:
        return ""


class Launcher:
    """Starts workers in one interpreter: children of a zygote, or fresh processes."""

    def __init__(self, python: Path, *, fork: bool = FORKS) -> None:
        """Prepare; nothing is started before the first conversation."""
        self.python = python
        self.fork = fork
        self.folder = Path(tempfile.mkdtemp(prefix="harness-"))
        self.environment = child_environment(self.folder)
        if environments.owns(python):  # uv has compiled nothing, and every process would have to
            self.environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self._starting = threading.Lock()
        self._zygote: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Use as a context manager to be sure that it is closed."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def describe(self, cache: Path) -> dict[str, Any]:
        """What the interpreter says of itself; see `harness.environment.describe`.

        Raises:
            InterpreterError: it does not start, or lacks what is to be judged, or has versions
                that cannot be.
        """
        try:
            answer = subprocess.run(
                [str(self.python), "-m", "harness.environment", str(cache)],
                capture_output=True,
                text=True,
                check=True,
                env=self.environment,
                cwd=self.folder,
            )
        except OSError as error:
            raise self._not_started(error) from None
        except subprocess.CalledProcessError as error:
            raise InterpreterError(
                f"{self.python} cannot be judged",
                why=redaction.text(error.stderr.strip().rpartition("\n")[2]),
                fix="it must be Python 3.11 or newer",
            ) from None
        told: dict[str, Any] = json.loads(answer.stdout)
        if told["missing"]:
            names = " ".join(told["missing"])
            raise InterpreterError(
                f"{self.python} cannot be judged: it has no {names.replace(' ', ', ')}",
                fix=f"run {self.python} -m pip install {names}, or name another interpreter with "
                "--harness-python",
            )
        support.check(told["packages"], str(self.python))
        return told

    def start(self) -> None:
        """Import the libraries now rather than with the first conversation.

        Raises:
            InterpreterError: the interpreter cannot import what is to be judged.
        """
        if self.fork:
            self._start()
            return
        log = self.folder / "import.log"
        with log.open("w", encoding="utf-8") as output:
            importing = f"import {', '.join(REQUIRED)}"
            done = subprocess.run(
                [str(self.python), "-c", importing],
                stdout=output,
                stderr=output,
                check=False,
                env=self.environment,
                cwd=self.folder,
            )
        if done.returncode:
            raise self._unfit(log)

    def converse(self, job: Mapping[str, Any], log: Path) -> Child:
        """Start a job in a child of its own.

        Raises:
            InterpreterError: the interpreter cannot import what is to be judged.
        """
        child = self._connect(log) if self.fork else self._spawn(log)
        child.send(job)
        return child

    def close(self) -> None:
        """End the zygote, its children with it, and remove what was written for them."""
        if self._zygote is not None:
            self._zygote.communicate()  # closes its standard input: it ends, and its children
        for folder, names, files in os.walk(self.folder, topdown=False):
            for name in files + [name for name in names if Path(folder, name).is_symlink()]:
                Path(folder, name).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                Path(folder).rmdir()

    def _start(self) -> None:
        """Have a zygote that has imported the libraries; several threads may ask at once."""
        with self._starting:
            if self._zygote is None:
                with (self.folder / "zygote.log").open("w", encoding="utf-8") as log:
                    self._zygote = self._popen(["zygote", str(self.folder / "socket")], log)
            if self._zygote.stdout is not None:
                with self._zygote.stdout as output:
                    ready = output.readline()
                self._zygote.stdout = None
                if not ready:
                    raise self._unfit(self.folder / "zygote.log")

    def _connect(self, log: Path) -> Child:
        """Have the zygote fork a child."""
        self._start()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(self.folder / "socket"))
            connection.sendall(f"{log}\n".encode())
        except OSError:
            connection.close()
            raise self._unfit(self.folder / "zygote.log") from None
        writer = connection.makefile("w", encoding="utf-8")
        reader = connection.makefile("r", encoding="utf-8")
        return Child(writer, reader, log, connection=connection)

    def _spawn(self, log: Path) -> Child:
        """Start a fresh process."""
        with log.open("w", encoding="utf-8") as output:
            process = self._popen(["once"], output)
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        assert process.stdout is not None  # noqa: S101 - likewise
        return Child(process.stdin, process.stdout, log, process=process)

    def _popen(self, arguments: list[str], log: IO[str]) -> subprocess.Popen[str]:
        """Start a worker process."""
        try:
            return subprocess.Popen(
                [str(self.python), "-m", "harness.worker", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self.environment,
                cwd=self.folder,
                start_new_session=True,
            )
        except OSError as error:
            raise self._not_started(error) from None

    def _not_started(self, error: OSError) -> InterpreterError:
        """The error for an interpreter that is none."""
        return InterpreterError(
            f"{self.python} cannot be started",
            why=error.strerror or str(error),
            fix="check --harness-python",
        )

    def _unfit(self, log: Path) -> InterpreterError:
        """The error for an interpreter whose zygote did not come up.

        The last line of a traceback is the reason; its frames are mostly our own.
        """
        lines = redaction.text(_read(log)).splitlines()
        raised = any(line.startswith("Traceback (most") for line in lines)
        reason = f": {lines[-1].strip()}" if raised else ""
        return InterpreterError(
            f"{self.python} cannot import what is to be judged{reason}",
            why="" if raised else tail(log),
            fix="install torch, transformers, datasets, evaluate and accelerate there, such as go "
            "together, or name another interpreter with --harness-python",
        )

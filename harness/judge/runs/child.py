"""A child: one conversation with a worker, seen from the judging tower."""

import contextlib
import json
import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from harness.core import errors, redaction
from harness.core.errors import CrashError, HarnessError, RunError

if TYPE_CHECKING:
    import subprocess

GRACE = 5.0
"""Seconds that a process has to end by itself before it is killed."""

TAIL = 15
"""Lines of a lost run's log that its error shows."""

Progress = Callable[[int, int], None]
Event = Mapping[str, Any]


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
        self.pid = None if process is None else process.pid
        self.busy = True
        self._end: HarnessError | None = None
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
        self.busy = True
        with contextlib.suppress(OSError, ValueError):  # it is gone, or was closed
            self.writer.write(json.dumps(value) + "\n")
            self.writer.flush()

    def await_result(self, timeout: float, progress: Progress | None = None) -> Any:
        """The value of the next `result`.

        Raises:
            RunError: the child crashed, was killed, or took longer than `timeout` seconds.
            HarnessError: what the child itself raised; the same again for whoever asks it again.
        """
        if self._end is not None:
            raise self._end
        try:
            value = self._await(timeout, progress)
        except HarnessError as error:
            self.busy, self._end = False, error
            raise
        self.busy = False
        return value

    def _await(self, timeout: float, progress: Progress | None) -> Any:
        """The same, for a child that nothing is known against."""
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
                failure = self._lost(f"the run crashed: {event['summary']}", CrashError)

    def ask(self, request: Mapping[str, Any], timeout: float) -> Any:
        """What a live child answers to a request.

        Raises:
            HarnessError: as `await_result` does.
        """
        self.send(request)
        return self.await_result(timeout)

    def kill(self) -> None:
        """Kill the worker and everything it started."""
        if self.pid is not None:
            kill_group(self.pid)

    def close(self) -> None:
        """End the conversation: a live child stops; one that is busy or does not is killed."""
        if self.busy:
            self.kill()
        with contextlib.suppress(OSError):
            self.writer.close()
        self._shut(socket.SHUT_WR)
        self.listener.join(GRACE)
        if self.listener.is_alive():
            self.kill()
            self._shut(socket.SHUT_RDWR)
            self.listener.join(GRACE)
        if self.connection is not None:
            self.connection.close()

    def _shut(self, how: int) -> None:
        """Shut a connection down, if there is one."""
        if self.connection is not None:
            with contextlib.suppress(OSError):  # it is gone already
                self.connection.shutdown(how)

    def _gone(self, event: Event | None) -> RunError:
        """The error for a child that ended without a word."""
        if event is None:
            return self._lost("the run ended before it was done")
        crashed = event["signal"] not in {0, signal.SIGKILL}
        how = death(event["signal"] or -event["code"])
        return self._lost(f"the run {how} before it was done", CrashError if crashed else RunError)

    def _lost(self, what: str, kind: type[RunError] = RunError, *, fix: str = "") -> RunError:
        """A lost run's error with the last lines of its log."""
        return kind(redaction.text(what), why=tail(self.log), fix=fix)


def kill_group(pid: int) -> None:
    """Kill a process that leads a group, and all of that group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def death(ending: int) -> str:
    """How a process ended: killed by a signal, or if below one with that exit code."""
    if ending <= 0:
        return f"ended with exit code {-ending}"
    try:
        name = signal.Signals(ending).name
    except ValueError:
        name = f"signal {ending}"
    return f"was killed by {name}" + (
        " (perhaps out of memory)" if ending == signal.SIGKILL else ""
    )


def tail(log: Path) -> str:
    """The last lines of a log, secrets removed, as an error quotes them."""
    return last_lines(written(log))


def last_lines(log: str) -> str:
    """The last lines of what a log holds."""
    lines = [f"  | {line}" for line in redaction.text(log).splitlines()[-TAIL:]]
    return "\n".join(["last lines of its log:", *lines]) if lines else "its log is empty"


def written(log: Path) -> str:
    """What a log holds, as far as it can be read."""
    try:
        return log.read_text(encoding="utf-8", errors="replace").rstrip()
    except OSError:
        return ""

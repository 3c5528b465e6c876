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

from harness import errors, redaction
from harness.errors import HarnessError, RunError

if TYPE_CHECKING:
    import subprocess

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
    lines = [f"  | {line}" for line in redaction.text(written(log)).splitlines()[-TAIL:]]
    return "\n".join(["last lines of its log:", *lines]) if lines else "its log is empty"


def written(log: Path) -> str:
    """What a log holds, as far as it can be read."""
    try:
        return log.read_text(encoding="utf-8", errors="replace").rstrip()
    except OSError:
        return ""

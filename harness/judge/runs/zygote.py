"""The zygote's process, seen from the judging tower: gives children; if it dies, starts again."""

import contextlib
import select
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from harness.judge.runs import child
from harness.judge.runs.child import GRACE, kill_group

IMPORTING = 600.0
"""Seconds that importing the libraries may take, from a cold network disk."""

Popen = Callable[[Sequence[str], IO[str]], "subprocess.Popen[str]"]


class ZygoteProcess:
    """A process that has imported the libraries, and forks a child for every connection."""

    def __init__(self, folder: Path, popen: Popen, timeout: float = IMPORTING) -> None:
        """Prepare; nothing is started before the first child is wanted.

        Args:
            folder: for its socket and its log.
            popen: starts the interpreter with arguments and a log.
            timeout: seconds that importing the libraries may take.
        """
        self.log = folder / "zygote.log"
        self.timeout = timeout
        self._socket = folder / "socket"
        self._popen = popen
        self._starting = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._ready = self._late = self._closed = False
        self._again = True

    @property
    def death(self) -> str:
        """How the process ended that had come up; empty if none did, or if it runs."""
        ending = self._process.poll() if self._ready and self._process is not None else None
        return "" if ending is None else child.death(-ending)

    def start(self) -> None:
        """Have a process that has imported the libraries; several threads may ask at once.

        One that died after that is started again, once.

        Raises:
            EOFError: it did not come up, or is gone; its log says why.
            TimeoutError: it takes too long, and was killed.
        """
        with self._starting:
            if self.death and self._again:
                self._ready = self._again = False
                self._hang_up(self._process)
                self._process = None
            if self._process is None and not self._closed:
                self._socket.unlink(missing_ok=True)
                with self.log.open("a", encoding="utf-8") as log:
                    self._process = self._popen(
                        ["-m", "harness.worker", "zygote", str(self._socket)], log
                    )
                assert self._process.stdout is not None  # noqa: S101 - it is a pipe
                with self._process.stdout as output:
                    self._late = not select.select([output], [], [], self.timeout)[0]
                    self._ready = not self._late and bool(output.readline())
            if self._late and self._process is not None:
                kill_group(self._process.pid)
                raise TimeoutError
            if self._closed or not self._ready:
                raise EOFError

    def connect(self, log: Path) -> child.Child:
        """A child that writes its output to a log.

        Raises:
            EOFError: the process did not come up, or is gone; its log says why.
            TimeoutError: it takes too long to come up, and was killed.
        """
        self.start()
        try:
            connection = self._connected(log)
        except OSError:  # it has died, or is about to
            if self._process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(GRACE)
            self.start()
            try:
                connection = self._connected(log)
            except OSError:
                raise EOFError from None
        writer = connection.makefile("w", encoding="utf-8")
        reader = connection.makefile("r", encoding="utf-8")
        return child.Child(writer, reader, log, connection=connection)

    def _connected(self, log: Path) -> socket.socket:
        """A connection to a child that has started.

        Raises:
            OSError: the process is gone.
        """
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(self._socket))
            connection.sendall(f"{log}\n".encode())
            connection.settimeout(self.timeout)
            if not connection.recv(1, socket.MSG_PEEK):  # it died before it forked
                raise ConnectionResetError
            connection.settimeout(None)
        except OSError:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """End the process and its children; what does not end by itself is killed."""
        self._closed = True
        process = self._process
        if process is None:
            return
        self._hang_up(process)
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            kill_group(process.pid)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)

    def _hang_up(self, process: "subprocess.Popen[str] | None") -> None:
        """Close a process's standard input: it ends, and its children."""
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()

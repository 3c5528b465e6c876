"""The zygote's process, seen from the judging tower: started once, asked for children."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from harness.child import Child

if TYPE_CHECKING:
    import subprocess

Popen = Callable[[list[str], IO[str]], "subprocess.Popen[str]"]


class ZygoteProcess:
    """A process that has imported the libraries, and forks a child for every connection."""

    def __init__(self, folder: Path, popen: Popen) -> None:
        """Prepare; nothing is started before the first child is wanted.

        Args:
            folder: for its socket and its log.
            popen: starts a worker with arguments and a log.
        """
        self.log = folder / "zygote.log"
        self._socket = folder / "socket"
        self._popen = popen
        self._starting = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def connect(self, log: Path) -> Child:
        """A child that writes its output to a log.

        Raises:
            EOFError: the zygote did not come up, or is gone; its log says why.
        """
        self.start()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(self._socket))
            connection.sendall(f"{log}\n".encode())
        except OSError:
            connection.close()
            raise EOFError from None
        writer = connection.makefile("w", encoding="utf-8")
        reader = connection.makefile("r", encoding="utf-8")
        return Child(writer, reader, log, connection=connection)

    def close(self) -> None:
        """End the process and its children."""
        if self._process is not None:
            self._process.communicate()  # closes its standard input: it ends, and its children

    def start(self) -> None:
        """Have a process that has imported the libraries; several threads may ask at once.

        Raises:
            EOFError: it did not come up; its log says why.
        """
        with self._starting:
            if self._process is None:
                with self.log.open("w", encoding="utf-8") as log:
                    self._process = self._popen(["zygote", str(self._socket)], log)
            if self._process.stdout is not None:
                with self._process.stdout as output:
                    ready = output.readline()
                self._process.stdout = None
                if not ready:
                    raise EOFError

"""The worker: runs inside the judged environment, takes jobs, answers with events.

`python -m harness.worker zygote SOCKET` imports the libraries once, listens on a Unix socket and
forks a child for every connection. `python -m harness.worker once` serves one conversation on
standard input and output, for systems without fork.

A conversation is lines of JSON. The first line in is a job. Lines out are events: `started`
(pid), `progress` (step, total), `result` (value), `error` (an error of the harness: kind, what,
why, fix), `crash` (summary; the traceback is in the log) and, written by the zygote once the
child is gone, `exit` (code, signal). A `collate`, `time` or `pace` job then answers one line with
one line until its input ends.

This module imports nothing heavy: under the `spawn` start method, every process that tokenizes
imports it anew.
"""

import contextlib
import errno
import gc
import json
import os
import runpy
import selectors
import shutil
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from harness.core.errors import HarnessError

if TYPE_CHECKING:
    from harness.core.job import Job

_REAP_INTERVAL = 0.02
_LEAST_FREE = 64 * 1024
"""Bytes; a disk with less is full: what is being written does not fit any more."""
_CANNOT_WRITE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_OOM_SCORE = "500"
"""Makes the kernel kill a child that eats the memory, rather than whoever started it."""


class Conversation:
    """One job's lines in and events out."""

    def __init__(self, reader: IO[str], writer: IO[str]) -> None:
        """Talk over two text streams."""
        self.reader = reader
        self.writer = writer

    def send(self, event: str, **values: Any) -> None:
        """Send one event."""
        self.writer.write(json.dumps({"event": event, **values}) + "\n")
        self.writer.flush()

    def progress(self, step: int, total: int) -> None:
        """Send how far training is."""
        self.send("progress", step=step, total=total)


def serve(conversation: Conversation) -> int:
    """Do the one job of a conversation; returns the process's exit code."""
    conversation.send("started", pid=os.getpid())
    line = conversation.reader.readline()
    if not line:
        return 0
    try:
        _do(json.loads(line), conversation)
    except HarnessError as error:
        conversation.send(
            "error", kind=type(error).__name__, what=error.what, why=error.why, fix=error.fix
        )
        return 1
    except BaseException as error:  # noqa: BLE001 - whatever the judged libraries raise is a finding
        unwritten = _unwritten(json.loads(line), error)
        if unwritten:
            conversation.send("error", kind="StoreError", **unwritten)
            return 1
        if _missed(json.loads(line).get("fault"), error):
            what, why = "the fault does not find what it breaks", f"{type(error).__name__}: {error}"
            conversation.send("error", kind="InjectionError", what=what, why=why, fix="")
            return 1
        traceback.print_exc()
        conversation.send("crash", summary=f"{type(error).__name__}: {error}")
        return 1
    return 0


def _unwritten(job: dict[str, Any], error: BaseException) -> dict[str, str]:
    """What to say if a job broke because its files could not be written; empty if not so.

    Libraries raise errors of their own for that, some without a number: the disk itself knows.
    """
    for name in ("output", "scratch"):
        if not job[name]:
            continue
        folder = Path(job[name])
        fix = "free the disk, or " + (
            "name another --harness-store"
            if name == "output"
            else "have TMPDIR name a folder on another"
        )
        if not folder.is_dir():
            return {"what": f"{folder} was deleted while a run wrote there", "why": "", "fix": ""}
        if shutil.disk_usage(folder).free < _LEAST_FREE:
            return {"what": f"the disk of {folder} is full", "why": "", "fix": fix}
        if isinstance(error, OSError) and error.errno in _CANNOT_WRITE:
            path, why = error.filename or folder, error.strerror or ""
            return {"what": f"{path} cannot be written", "why": why, "fix": fix}
    return {}


def _missed(fault: str | None, error: BaseException) -> bool:
    """Whether a fault's own code asks for a module, an attribute or a column that is not there."""
    if fault is None or not isinstance(error, ImportError | AttributeError | KeyError):
        return False
    frames = traceback.extract_tb(error.__traceback__)
    return any(frame.filename == fault for frame in frames)


def _do(values: dict[str, Any], conversation: Conversation) -> None:
    """Dispatch a job by its kind."""
    from harness.core.job import Job, LoadJob, ShrinkJob

    if values["kind"] == "survey":
        from harness.worker.surveying import survey

        conversation.send("result", value=survey(LoadJob.from_json(values)).to_json())
        return
    if values["kind"] == "load":
        from harness.worker.load import load

        load(LoadJob.from_json(values))
        conversation.send("result", value=None)
        return
    if values["kind"] == "shrink":
        from harness.worker.shrink import shrink

        shrink(ShrinkJob.from_json(values))
        conversation.send("result", value=None)
        return
    job = Job.from_json(values)
    if job.fault is not None:
        runpy.run_path(job.fault)
    if job.kind == "train":
        from harness.worker.train import train

        train(job, conversation.progress).write(Path(job.output))
        conversation.send("result", value=None)
    elif job.kind == "try":
        from harness.worker.trial_runs import try_all

        try_all(job, conversation.progress).write(Path(job.output))
        conversation.send("result", value=None)
    elif job.kind == "tokenize":
        from harness.worker.tokenize import compare_processes

        conversation.send("result", value=compare_processes(job))
    elif job.kind == "measure":
        from harness.worker.tokenize import measure

        conversation.send("result", value=measure(job))
    else:
        answer = _answerer(job)
        for line in conversation.reader:
            conversation.send("result", value=answer(json.loads(line)))


def _answerer(job: "Job") -> Callable[[Any], Any]:
    """What answers the requests of a job that stays alive."""
    if job.kind == "time":
        from harness.worker.profile import take

        return lambda _: take(job)
    if job.kind == "pace":
        from harness.worker.pace import Pacer

        return Pacer(job).answer
    from harness.worker.collators import Collator

    return Collator(job.tokenizer_folder).answer


def once() -> int:
    """Serve one conversation on standard input and output."""
    writer = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever else prints goes to the log
    return serve(Conversation(sys.stdin, writer))


class Zygote:
    """Listens, forks a child for every connection, and reports how each one ended."""

    def __init__(self, path: str) -> None:
        """Bind the socket."""
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen()
        self.children: dict[int, socket.socket] = {}

    def run(self) -> None:
        """Serve until standard input ends: whoever started the zygote is then gone."""
        selector = selectors.DefaultSelector()
        selector.register(self.listener, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            ready = selector.select(_REAP_INTERVAL if self.children else None)
            for key, _ in ready:
                if key.fileobj is self.listener:
                    self._fork(selector)
                elif not os.read(sys.stdin.fileno(), 1):
                    self._kill_all()
                    return
            self._reap()

    def _fork(self, selector: selectors.BaseSelector) -> None:
        """Accept a connection and serve it in a child, in a process group of its own."""
        connection, _ = self.listener.accept()
        pid = os.fork()
        if pid:
            self.children[pid] = connection
            return
        os.setsid()
        selector.close()
        self.listener.close()
        for other in self.children.values():
            other.close()
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE, encoding="ascii")
        with connection.makefile("r", encoding="utf-8") as reader:
            log = reader.readline().strip()
            descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
            with connection.makefile("w", encoding="utf-8") as writer:
                code = serve(Conversation(reader, writer))
                sys.stdout.flush()
                sys.stderr.flush()
        os._exit(code)  # the zygote's exit handlers are not this child's to run

    def _reap(self) -> None:
        """Report children that are gone."""
        for pid in list(self.children):
            gone, status = os.waitpid(pid, os.WNOHANG)
            if not gone:
                continue
            connection = self.children.pop(pid)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)  # what it started must not outlive it
            code = os.waitstatus_to_exitcode(status)
            event = {"event": "exit", "code": max(code, 0), "signal": max(-code, 0)}
            with contextlib.suppress(OSError):
                connection.sendall(json.dumps(event).encode() + b"\n")
            connection.close()

    def _kill_all(self) -> None:
        """End every child and whatever it started."""
        for pid in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


def main(arguments: list[str]) -> int:
    """Run as the command line says; see the module's docstring."""
    if arguments[0] == "once":
        return once()
    import transformers.models.bert.modeling_bert
    import transformers.models.distilbert.modeling_distilbert  # noqa: F401 - before a fork

    import harness.worker.collators
    import harness.worker.loops.accelerate
    import harness.worker.loops.pytorch
    import harness.worker.loops.trainer
    import harness.worker.trial_runs  # noqa: F401 - before a fork

    with contextlib.suppress(ImportError):
        import sklearn.metrics  # noqa: F401 - before a fork
    gc.collect()
    gc.freeze()  # or every collection in a child would walk all that was imported
    zygote = Zygote(arguments[1])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    zygote.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

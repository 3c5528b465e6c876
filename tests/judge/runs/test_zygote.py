"""Processes that hang or die: every wait has a limit, one death is survived, nothing is left."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import InterpreterError, RunError
from harness.judge.runs.child import Child
from harness.judge.runs.launcher import Launcher
from harness.judge.runs.live import LiveChildren
from tests.conftest import SMALL_SUITE
from tests.processes import ends, is_running
from tests.repositories import ROOT

INTERPRETER = """#!/bin/sh
exec {python} {script} "$@"
"""
SCRIPT = """
import pathlib, sys, time

sys.path.insert(0, {root!r})
{importing}
from harness.worker import __main__ as worker

worker._do = lambda job, conversation: exec(job["code"], {{"conversation": conversation}})
if sys.argv[3] == "once":
    sys.exit(worker.once())
with pathlib.Path({folder!r}, "pids").open("a") as pids:
    import os
    pids.write(f"{{os.getpid()}}\\n")
zygote = worker.Zygote(sys.argv[4])
print("ready", flush=True)
zygote.run()
"""
ANSWER = "conversation.send('result', value=1)"
HANG = "import time; time.sleep(600)"


@contextmanager
def launching(folder: Path, importing: str = "", *, fork: bool = True) -> Iterator[Launcher]:
    """A launcher of workers that import nothing heavy and run what their job says."""
    (folder / "script.py").write_text(
        SCRIPT.format(root=str(ROOT), importing=importing, folder=str(folder)),
        encoding="utf-8",
    )
    python = folder / "python"
    python.write_text(
        INTERPRETER.format(python=sys.executable, script=folder / "script.py"), encoding="utf-8"
    )
    python.chmod(0o755)
    with Launcher(python, fork=fork, importing=0.5 if importing else 60.0) as launcher:
        yield launcher


def converse(launcher: Launcher, code: str) -> Child:
    """A child that runs some code."""
    job = {"code": code, "output": "", "scratch": ""}
    return launcher.converse(job, launcher.folder / "log")


def zygotes(folder: Path) -> list[int]:
    """The zygotes started so far, by their process ids."""
    return [int(line) for line in (folder / "pids").read_text(encoding="ascii").splitlines()]


@pytest.mark.parametrize("fork", [True, False])
def test_an_import_that_hangs_is_told(tmp_path: Path, *, fork: bool) -> None:
    """What hangs on import is killed and named, when it is started and when it is described."""
    with launching(tmp_path, HANG, fork=fork) as launcher:
        asks = [launcher.start, lambda: launcher.describe(tmp_path / "cache")]
        for ask in [*asks, launcher.start]:
            with pytest.raises(InterpreterError, match=r"took longer than 0\.5 s to import"):
                ask()


def test_a_zygote_that_dies_is_started_again_once(tmp_path: Path) -> None:
    """The second death has its name in the error; a child that lives on still gives its result."""
    with launching(tmp_path) as launcher:
        survivor = converse(launcher, f"import time; time.sleep(1); {ANSWER}")
        while survivor.pid is None and survivor.events.empty():
            time.sleep(0.01)
        os.kill(zygotes(tmp_path)[0], signal.SIGKILL)
        with closing(converse(launcher, ANSWER)) as child:
            assert child.await_result(30) == 1
        assert survivor.await_result(30) == 1
        first, second = zygotes(tmp_path)
        os.kill(second, signal.SIGKILL)
        assert ends(second)
        with pytest.raises(RunError, match=r"killed by SIGKILL \(perhaps out of memory\)"):
            converse(launcher, ANSWER)
    assert first != second


@pytest.mark.parametrize("fork", [True, False])
def test_what_starts_while_the_session_ends_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, fork: bool
) -> None:
    """A process that another thread is about to start does not outlive the session."""
    started: list[subprocess.Popen[str]] = []
    starting = threading.Event()

    def popen(*arguments: Any, **keywords: Any) -> "subprocess.Popen[str]":
        process = original(*arguments, **keywords)
        started.append(process)
        starting.set()
        time.sleep(0.5)  # there is a process, of which the launcher does not know yet
        return process

    original = subprocess.Popen
    with launching(tmp_path, HANG, fork=fork) as launcher:
        launcher.importing = launcher._zygote.timeout = 60.0  # noqa: SLF001 - longer than the test
        monkeypatch.setattr(subprocess, "Popen", popen)
        thread = threading.Thread(target=lambda: suppressing(launcher.start))
        thread.start()
        assert starting.wait(30)
        launcher.close()
        thread.join(20)
        assert not thread.is_alive()
        assert started[0].poll() is not None
        with pytest.raises(RunError, match="the session ended"):
            launcher.describe(tmp_path / "cache")


def suppressing(call: Callable[[], object]) -> None:
    """Call what may fail because the session ends."""
    with suppress(InterpreterError, RunError):
        call()


@pytest.mark.parametrize("fork", [True, False])
def test_a_time_out_kills(tmp_path: Path, *, fork: bool) -> None:
    """Also where every job is a process of its own."""
    with launching(tmp_path, fork=fork) as launcher:
        child = converse(launcher, HANG)
        with pytest.raises(RunError, match=r"took longer than 1\.5 s and was killed"):
            child.await_result(1.5)
        assert child.pid is not None
        assert ends(child.pid)
        child.close()


@pytest.mark.parametrize("fork", [True, False])
def test_closing_waits_for_nobody(tmp_path: Path, *, fork: bool) -> None:
    """A child in the middle of something, deaf to its input's end, is killed."""
    with launching(tmp_path, fork=fork) as launcher:
        closed, left = (busy(launcher) for _ in range(2))
        closed.close()
        assert closed.pid is not None
        assert ends(closed.pid)
    assert left.pid is not None
    assert ends(left.pid)


def busy(launcher: Launcher) -> Child:
    """A child in the middle of a job that never ends."""
    child, reached = converse(launcher, f"conversation.progress(1, 2); {HANG}"), threading.Event()
    waiting = threading.Thread(target=_wait, args=[child, reached])
    waiting.start()
    assert reached.wait(30)
    return child


def _wait(child: Child, reached: threading.Event) -> None:
    """Wait for a result that never comes."""
    with suppress(RunError):
        child.await_result(30, lambda *_: reached.set())


def test_a_live_child_is_lost_once(tmp_path: Path) -> None:
    """Whoever asks it again hears the same, at once, and no other child is started."""
    with launching(tmp_path) as launcher:
        children = LiveChildren(30.0)
        serving = partial(contextmanager(_serving), launcher)
        errors = []
        for _ in range(2):
            with pytest.raises(RunError) as caught:
                children.ask("model", serving, {})
            errors.append(caught.value)
        assert errors[0] is errors[1]
        assert "was killed by SIGSEGV" in errors[0].text
        children.close()


def _serving(launcher: Launcher) -> Iterator[Child]:
    """A child that dies of whatever it receives."""
    code = "import os, signal; conversation.reader.readline(); os.kill(os.getpid(), signal.SIGSEGV)"
    child = converse(launcher, code)
    yield child
    child.close()


def test_ctrl_c_is_an_interruption(tmp_path: Path) -> None:
    """Twice, while the libraries are imported: no traceback, no process and no folder is left."""
    (tmp_path / "test_small.py").write_text(SMALL_SUITE, encoding="utf-8")
    (tmp_path / "temporary").mkdir()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` ignores it
    session = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", "labels and not full"],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    signal.signal(signal.SIGINT, before)
    while not list((tmp_path / "temporary").glob("harness-*/zygote.log")):
        assert session.poll() is None
        time.sleep(0.05)
    (children,) = Path(f"/proc/{session.pid}/task").glob(f"{session.pid}/children")
    started = [int(pid) for pid in children.read_text(encoding="ascii").split()]
    session.send_signal(signal.SIGINT)
    time.sleep(0.1)
    session.send_signal(signal.SIGINT)
    text, _ = session.communicate(timeout=60)
    assert session.returncode == pytest.ExitCode.INTERRUPTED
    assert "interrupt" in text.lower()
    assert "Traceback (most" not in text
    assert not any(map(is_running, started))
    assert not list((tmp_path / "temporary").glob("harness-*"))

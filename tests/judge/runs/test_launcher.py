"""Workers may crash, hang or be killed: one run is lost, its last lines are shown, no more."""

import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from harness.core import redaction
from harness.core.errors import InterpreterError, RunError, StoreError
from harness.core.record import Record
from harness.judge.cell import Cell
from harness.judge.runs import failures
from harness.judge.runs.launcher import Launcher
from harness.judge.runs.runner import Runner
from harness.judge.settings import Settings
from tests.conftest import Fault
from tests.processes import ends


def lost(runner: Runner, cell: Cell, fault: Path) -> str:
    """The message of a run that does not come back."""
    with pytest.raises(RunError) as caught:
        runner.run_faulty(cell, fault)
    return caught.value.text


def test_a_crash_shows_its_last_lines(runner: Runner, small_cell: Cell, fault: Fault) -> None:
    """An exception of the judged libraries is named, and the log's end is quoted."""
    code = "import transformers\ndel transformers.TrainingArguments.to_dict"
    message = lost(runner, small_cell, fault(code))
    assert message.startswith("the run crashed: AttributeError")
    assert "last lines of its log:" in message
    assert "  | AttributeError" in message


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            "was killed by SIGKILL (perhaps out of memory)",
        ),
        ("import os; os.abort()", "was killed by SIGABRT"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGRTMIN + 1)", "was killed by signal"),
        ("import os; print('goodbye', flush=True); os._exit(3)", "exit code 3"),
    ],
)
def test_a_death_is_named(
    runner: Runner, small_cell: Cell, fault: Fault, code: str, message: str
) -> None:
    """A signal or an early exit differs from a crash."""
    assert message in lost(runner, small_cell, fault(code))


def test_output_before_a_death_is_shown(runner: Runner, small_cell: Cell, fault: Fault) -> None:
    """What was printed last is the best hint there is."""
    code = "import os; print('the last words', flush=True); os._exit(3)"
    assert "  | the last words" in lost(runner, small_cell, fault(code))


def test_a_hang_is_killed_with_its_children(
    runner: Runner, small_cell: Cell, fault: Fault, tmp_path: Path
) -> None:
    """A run that takes too long ends, and so does everything it started."""
    pid = tmp_path / "pid"
    code = (
        "import pathlib, subprocess, time\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"pathlib.Path({str(pid)!r}).write_text(str(child.pid))\n"
        "time.sleep(600)\n"
    )
    hasty = Runner(settings=Settings(store=tmp_path, timeout=2.0), session=uuid.uuid4().hex)
    hasty.launcher = runner.launcher
    message = lost(hasty, small_cell, fault(code))
    assert message.startswith("the run took longer than 2 s and was killed")
    assert "raise --harness-timeout" in message
    assert ends(int(pid.read_text(encoding="ascii")))


def test_neighbours_live_on(runner: Runner, small_cell: Cell, fault: Fault) -> None:
    """After a death, the same zygote trains the next cell."""
    lost(runner, small_cell, fault("import os; os.abort()"))
    assert len(runner.run(small_cell).record.steps) == 26


FULL = """
import shutil, types
shutil.disk_usage = lambda _: types.SimpleNamespace(free=0)
raise RuntimeError("unexpected position")
"""


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "import errno\nraise OSError(errno.ENOSPC, 'No space left on device', '/x/weights')",
            "/x/weights cannot be written\nNo space left on device\nfree the disk, or name another",
        ),
        (
            FULL,
            "is full\nfree the disk, or name another --harness-store",
        ),
    ],
)
def test_a_full_disk_is_told(
    runner: Runner, small_cell: Cell, fault: Fault, code: str, message: str
) -> None:
    """Whatever a library makes of it: what, why and what to do, and no frames of ours."""
    with pytest.raises(StoreError) as caught:
        runner.run_faulty(small_cell, fault(code))
    assert message in caught.value.text
    assert "File " not in caught.value.text


def test_a_store_deleted_during_a_run_is_told(
    runner: Runner, small_cell: Cell, tmp_path: Path
) -> None:
    """By whichever side notices it first; the next run makes it anew."""
    process = Runner(settings=Settings(store=tmp_path / "store"), session=uuid.uuid4().hex)
    process.launcher.close()
    process.launcher = runner.launcher
    process.progress = lambda *_: shutil.rmtree(tmp_path / "store", ignore_errors=True)
    with pytest.raises(StoreError, match=r"was deleted while a run wrote|cannot be written"):
        process.run(small_cell)


def test_a_failure_is_told_to_the_session(runner: Runner, small_cell: Cell, tmp_path: Path) -> None:
    """A session's second process does not try again what the first lost."""
    session = uuid.uuid4().hex
    texts = []
    for timeout in (0.01, 120.0):
        process = Runner(settings=Settings(store=tmp_path, timeout=timeout), session=session)
        process.launcher.close()
        process.launcher = runner.launcher
        with pytest.raises(RunError) as caught:
            process.run(small_cell)
        texts.append(caught.value.text)
    failures.forget(session)
    assert texts[0] == texts[1]
    assert texts[0].startswith("the run took longer than 0.01 s")


def test_fresh_process_gives_the_same(
    small_cell: Cell, small_record: Record, tmp_path: Path
) -> None:
    """Where fork is missing, a fresh process for the job computes the same, bit for bit."""
    runner = Runner(settings=Settings(store=tmp_path), session=uuid.uuid4().hex)
    runner.launcher = Launcher(Path(sys.executable), fork=False)
    try:
        record = runner.run(small_cell).record
    finally:
        runner.close()
    assert [step.loss for step in record.steps] == [step.loss for step in small_record.steps]
    assert record.checkpoints == small_record.checkpoints


def test_no_interpreter_is_told(small_cell: Cell, tmp_path: Path) -> None:
    """A path that is no Python is named."""
    runner = Runner(
        settings=Settings(store=tmp_path, python=tmp_path / "python"), session=uuid.uuid4().hex
    )
    with pytest.raises(InterpreterError, match=r"python cannot be started\nNo such file"):
        runner.run(small_cell)


def test_an_interpreter_without_transformers_is_told(small_cell: Cell, tmp_path: Path) -> None:
    """What is missing is named, with the command that installs it."""
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    settings = Settings(store=tmp_path / "store", python=bare / "bin" / "python")
    with pytest.raises(InterpreterError, match="has no torch, transformers, datasets") as caught:
        Runner(settings=settings, session=uuid.uuid4().hex).run(small_cell)
    assert "-m pip install torch transformers" in caught.value.text


def test_secrets_stay_behind(
    runner: Runner, small_cell: Cell, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token reaches neither the worker, nor a log's quoted lines."""
    monkeypatch.setenv("HF_TOKEN", "hf_verysecretvalue")
    settings = Settings(store=runner.settings.store)
    with Launcher(settings.python) as launcher:
        assert "HF_TOKEN" not in launcher.environment
    code = "print('hf_verysecretvalue', flush=True); raise ValueError('hf_verysecretvalue')"
    message = lost(runner, small_cell, fault(code))
    assert "hf_verysecretvalue" not in message
    assert redaction.HIDDEN in message


def test_secret_arguments_are_hidden(runner: Runner, small_cell: Cell, fault: Fault) -> None:
    """A token in the resolved arguments does not reach the record."""
    code = (
        "import transformers\n"
        "old = transformers.TrainingArguments.to_dict\n"
        "def to_dict(self):\n"
        "    return {**old(self), 'hub_token': 'hf_verysecretvalue'}\n"
        "transformers.TrainingArguments.to_dict = to_dict\n"
    )
    record = runner.run_faulty(small_cell, fault(code))
    assert record.arguments["hub_token"] == redaction.HIDDEN


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("HF_TOKEN", True),
        ("hub_token", True),
        ("WANDB_API_KEY", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("DB_PASSWORD", True),
        ("num_input_tokens_seen", False),
        ("include_num_input_tokens_seen", False),
        ("OMP_NUM_THREADS", False),
        ("tokenizer", False),
    ],
)
def test_secret_names(name: str, secret: bool) -> None:  # noqa: FBT001 - a table's column
    """Names of secrets are known; names that only sound alike are not."""
    assert redaction.is_secret(name) is secret


def test_short_values_are_not_replaced() -> None:
    """Hiding a value such as `1` would garble every text."""
    assert redaction.text("1 of 10", {"X_TOKEN": "1"}) == "1 of 10"
    assert redaction.text("hunter2hunter2", {"X_TOKEN": "hunter2hunter2"}) == redaction.HIDDEN

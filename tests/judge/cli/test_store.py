"""`harness store`: what nobody needs goes, what somebody needs stays, and a kill harms nothing."""

import json
import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.core.record import Record
from harness.judge.cli.__main__ import main
from harness.judge.nightly.baseline import Accepted, Baselines, Run
from harness.judge.runs.runner import Runner
from harness.judge.store import contents, locks, pruning
from harness.judge.store.contents import DAY
from harness.judge.store.index import History
from harness.judge.store.local import Key, Store

RECIPE = "a" * 12
NOW = "mrpc-" + RECIPE


@pytest.fixture
def store(tmp_path: Path, runner: Runner, small_record: Record) -> Store:
    """Records of the running environment, of one that is gone and of another machine; a night."""
    store = Store(tmp_path / ".harness")
    gone = {**small_record.environment, "executable": "/nowhere/python", "python": "3.11.0"}
    machines = {
        "b": small_record.environment,
        "c": gone,
        "d": {**gone, "cpu": {"model": "another"}},
    }
    for letter, environment in machines.items():
        for attempt in ("0", "1", "2026-01-05"):
            key = Key(label="mrpc", recipe=RECIPE, environment=letter * 64, attempt=attempt)
            with store.staging(key) as folder:
                small_record.write(folder)
                described = json.loads((folder / "record.json").read_text(encoding="utf-8"))
                described["environment"] = environment
                (folder / "record.json").write_text(json.dumps(described), encoding="utf-8")
    assert runner.environment() == small_record.environment
    store.remember_answers("c" * 64, {"a": 1})
    (store.root / "staging" / "left").mkdir()
    (store.root / "staging" / "left" / "half").write_bytes(bytes(10))
    return store


def age(store: Store, days: float, pattern: str = "*/*/*/*") -> None:
    """Make what is stored seem unused for some days."""
    then = time.time() - days * DAY
    for path in [*store.root.glob(pattern), *store.root.glob("collations/*/*")]:
        os.utime(path, (then, then))


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


Command = Callable[..., Done]


@pytest.fixture
def harness(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """`harness store`, in a repository whose table names a remote: nothing is asked of it."""
    table = f'[tool.harness]\nremote = "file://{tmp_path}/remote"\n'
    (tmp_path / "pyproject.toml").write_text(table, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Done:
        capsys.readouterr()
        code = main(["store", *arguments])
        printed = capsys.readouterr()
        assert not (tmp_path / "remote").exists()
        return Done(returncode=code, stdout=printed.out, stderr=printed.err)

    return run


def records(store: Store) -> set[str]:
    """Environment and attempt of what is left."""
    return {"/".join(path.split("/")[-2:]) for path in store.sealed("records")}


ALL = {f"{letter * 12}/{attempt}" for letter in "bcd" for attempt in ("0", "1", "2026-01-05")}


def test_nothing_goes_that_nobody_asked_to_remove(store: Store, harness: Command) -> None:
    """A dry run says what would go and how much that is; without a condition, leftovers alone."""
    age(store, 40)
    age(store, 2, "staging/*")
    size = sum(holding.size for holding in contents.holdings(store.root))
    before = sorted(store.root.rglob("*"))
    done = harness()
    assert done.returncode == 0, done.stderr
    assert f"{'c' * 12}  " in done.stdout
    assert "3 records, 1 file of answers  torch==" in done.stdout
    assert done.stdout.endswith(f"{store.root}: {size / 1e6:,.1f} MB\n")
    assert harness("list").stdout == done.stdout
    plain, old = harness("prune"), harness("prune", "--older-than=30d")
    assert "would remove staging/left" in plain.stdout
    assert "would remove records" not in plain.stdout
    assert old.stdout.count("would remove records/") == 6
    assert "kept 3 records" in old.stdout
    assert ": of a night, which the history draws" in old.stdout
    for printed in (plain.stdout, old.stdout):
        assert printed.endswith("nothing is removed yet: add --apply\n")
    assert sorted(store.root.rglob("*")) == before
    assert harness("prune", "--apply").returncode == 0
    assert records(store) == ALL
    assert not [*store.root.glob("staging/*")]


def test_what_is_old_goes_and_what_is_used_stays(store: Store, harness: Command) -> None:
    """A baseline's, a night's, one that is being made and one that a session reads now stay."""
    age(store, 40)
    age(store, 40, "records/*")  # so that the index has no other reason to look there again
    accepted = Accepted(
        series="", recipe={}, losses=(), norms=(), environment={}, night="2026-01-05", when="",
        command="", because="it is right",
        runs=tuple(
            Run(seed=i, record=f"{NOW}/{'b' * 12}/{i}", predictions="", metrics={"accuracy": 1.0},
                samples_per_second=1.0)
            for i in range(2)
        ),
    )  # fmt: skip
    baselines = Baselines(path=store.root.parent / "suites" / "baselines.json")
    baselines.path.parent.mkdir()
    baselines.accept("TestMrpc/cell", "cpu", accepted)
    baselines.save()
    assert store.get(Key(label="mrpc", recipe=RECIPE, environment="c" * 64), Record.read)
    with locks.lock(store.root, f"{NOW}/{'d' * 12}/0"), History(store.root) as history:
        done = harness("prune", "--older-than=30d", "--apply")
        assert done.returncode == 0, done.stderr
        nights = {name for name in ALL if name.endswith("2026-01-05")}
        used = {"bbbbbbbbbbbb/0", "bbbbbbbbbbbb/1", "cccccccccccc/0", "dddddddddddd/0"}
        assert records(store) == nights | used
        assert "kept 2 records" in done.stdout
        assert ": accepted in a baseline" in done.stdout
        assert f"kept records/{NOW}/{'d' * 12}/0  a session has come to use it" in done.stdout
        assert ": written or used within a day" in done.stdout
        history.refresh()
        assert {entry.path.partition("/")[2] for entry in history.entries()} == records(store)
    done = harness("prune", "--older-than=30d", "--nights", "--apply")
    assert records(store) == {"bbbbbbbbbbbb/0", "bbbbbbbbbbbb/1", "cccccccccccc/0"}
    assert not (store.root / "records" / NOW / ("d" * 12)).exists()
    baselines.path.write_text("{", encoding="utf-8")
    done = harness("prune", "--older-than=1d", "--apply")
    assert done.returncode == 2
    assert records(store) == {"bbbbbbbbbbbb/0", "bbbbbbbbbbbb/1", "cccccccccccc/0"}


def test_what_no_interpreter_is_any_more_goes(store: Store, harness: Command) -> None:
    """That of the running environment, of one that is at hand and of another machine stays."""
    age(store, 2)
    done = harness("prune", "--unreachable", "--nights", "--apply")
    assert done.returncode == 0, done.stderr
    assert records(store) == {name for name in ALL if not name.startswith("c")}
    assert not [*store.root.glob("collations/*")]
    assert "3 records" in done.stdout
    assert "of an environment that is of another machine" in done.stdout


def test_both_conditions_must_hold(store: Store, harness: Command) -> None:
    """An unreachable environment's young record stays, and a reachable one's old record."""
    age(store, 40)
    age(store, 2, f"records/*/{'c' * 12}/1")
    done = harness("prune", "--unreachable", "--older-than=30d", "--apply")
    assert done.returncode == 0, done.stderr
    assert records(store) == ALL - {"cccccccccccc/0"}


@pytest.mark.parametrize("action", ["list", "prune"])
def test_a_store_of_a_newer_version_is_left_alone(
    store: Store, harness: Command, action: str
) -> None:
    """Nobody knows here what it needs."""
    age(store, 2, "staging/*")
    (store.root / "VERSION").write_text("99\n", encoding="ascii")
    done = harness(action, *(["--apply"] if action == "prune" else []))
    assert done.returncode == 2
    assert "is of version 99" in done.stderr
    assert [*store.root.glob("staging/left")]


def test_a_session_that_comes_to_use_a_record_keeps_it(store: Store) -> None:
    """Though that is after it was chosen: it is put back."""
    age(store, 40)
    holdings = {holding.record: holding for holding in contents.holdings(store.root)}
    key = Key(label="mrpc", recipe=RECIPE, environment="c" * 64)
    assert store.get(key, Record.read)
    assert not pruning.remove(store.root, holdings[key.path])
    assert store.get(key, Record.read)
    age(store, 40)
    (chosen,) = (h for h in contents.holdings(store.root) if h.record == key.path)
    assert pruning.remove(store.root, chosen)
    assert store.get(key, Record.read) is None


def test_a_record_is_published_where_one_is_pruned(
    store: Store, small_record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder that has become empty is removed under a session's hands, and made again."""
    key = Key(label="new", recipe=RECIPE, environment="c" * 64)
    utime = os.utime

    def prune_between(path: Path, *times: tuple[float, float]) -> None:
        monkeypatch.setattr(os, "utime", utime)
        utime(path, *times)
        shutil.rmtree(path)

    with store.staging(key) as folder:
        small_record.write(folder)
        monkeypatch.setattr(os, "utime", prune_between)
    assert store.get(key, Record.read)


def _killed_while_pruning(root: Path) -> None:
    """Prune, and be killed when what was chosen first is set aside and is about to be removed."""
    pytest.MonkeyPatch().setattr(
        shutil, "rmtree", lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
    )
    for holding in contents.holdings(root):
        if holding.record:
            pruning.remove(root, holding)


def test_killed_in_the_middle_leaves_a_whole_store(store: Store, harness: Command) -> None:
    """Whatever is left is a whole record; the rest is removed by the next one."""
    age(store, 40)
    age(store, 2, "staging/*")
    process = multiprocessing.get_context("fork").Process(
        target=_killed_while_pruning, args=(store.root,)
    )
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    assert len([*store.root.glob("staging/pruned-*")]) == 1
    assert len(ALL - records(store)) == 1
    for path in store.sealed("records"):
        assert store.open(path) is not None
    before = records(store)
    assert harness("prune", "--apply").returncode == 0
    assert not [*store.root.glob("staging/*")]
    assert records(store) == before

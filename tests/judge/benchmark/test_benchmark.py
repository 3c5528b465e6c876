"""The padding benchmark through its door: pytest's table and files, our page, and its errors."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from harness.core import nvml
from harness.judge.runs.runner import Runner

PROVEN_ALONE = "not measured (4 cells): collations are proven, not timed: pytest test_few.py *"

DECLARED = """
from harness import Benchmark, Matrix, Recipe

class TestFew(Benchmark):
    recipe = Recipe(
        dataset="glue/mrpc", loop="pytorch", max_length=128, per_device_train_batch_size=4
    )
    matrix = Matrix(collation=["max_length", "dynamic", "sorted", "padding_free"])
    {more}
"""


class Bench:
    """Runs pytest on a benchmark of four collations."""

    def __init__(self, pytester: pytest.Pytester, store: Path) -> None:
        """Run in pytester's folder, with a store."""
        self.pytester, self.store = pytester, store

    def __call__(self, *arguments: str, more: str = "") -> pytest.RunResult:
        """Run it; the benchmark may declare more."""
        self.pytester.makepyfile(test_few=DECLARED.format(more=more))
        store = f"--harness-store={self.store}"
        return self.pytester.runpytest_subprocess(
            *(store, "--harness-scale=tiny", "--benchmark-min-rounds=3"),
            *arguments,
        )


@pytest.fixture
def bench(pytester: pytest.Pytester, runner: Runner, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The benchmark of this file, run as if nothing ran beside it."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    return Bench(pytester, runner.settings.store)


def test_a_benchmark_is_pytests_and_ours(bench: Bench) -> None:
    """A table, a JSON that compares, the session's JSON and a page say the same."""
    result = bench("test_few.py", "--benchmark-json=saved.json")
    result.assert_outcomes(passed=11, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "train bert-base-uncased (tiny, cpu) on glue/mrpc: 4 of 32 tokens, float32, limit *x",
            "max_length *1.00x *",
            "use * times as fast as max_length*",
        ]
    )
    saved = json.loads((bench.pytester.path / "saved.json").read_text(encoding="utf-8"))
    assert len(saved["benchmarks"]) == 7
    for line in saved["benchmarks"]:
        standing = line["extra_info"]["standing"]
        assert line["group"] == line["extra_info"]["group"]
        assert line["stats"]["rounds"] == 3
        assert line["stats"]["data"] == pytest.approx(standing["seconds"])
        assert standing["speedup"]["low"] <= standing["speedup"]["high"]
    reports = bench.pytester.path / "reports"
    session = json.loads((reports / "session.json").read_text(encoding="utf-8"))
    assert Counter(pace["standing"]["mode"] for pace in session["paces"]) == {
        "train": 3,
        "predict": 4,
    }
    assert "use " in (reports / "padding.html").read_text(encoding="utf-8")
    again = bench("test_few.py", "--benchmark-disable", "-k", "dynamic")
    again.assert_outcomes(passed=3, deselected=9)


def test_a_session_of_everything_proves_and_times_nothing(bench: Bench, tmp_path: Path) -> None:
    """Collations are held against examples alone once, then answered from the store."""
    bench.store = tmp_path / "store"
    bench("--harness-stored").assert_outcomes(skipped=8, deselected=4)
    for arguments in ([], ["--harness-stored"]):
        result = bench(*arguments)
        result.assert_outcomes(passed=4, skipped=4, deselected=4)
        result.stdout.fnmatch_lines([PROVEN_ALONE])
        assert not (bench.pytester.path / "reports" / "padding.html").exists()


@pytest.mark.parametrize(
    ("arguments", "timed"),
    [
        ([], False),
        (["."], False),
        (["-k", "test_few"], False),
        (["-m", "not benchmark"], False),
        (["test_few.py"], True),
        (["./test_few.py::TestFew"], True),
        (["-m", "benchmark"], True),
        (["-m", "nightly"], True),
        (["-m", "gpu", "--harness-device=cuda"], True),
        (["--benchmark-only"], True),
        (["--lf"], True),
    ],
)
def test_what_has_collations_timed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, arguments: list[str], *, timed: bool
) -> None:
    """Their file, a mark, pytest-benchmark's own option, or that the last time failed."""
    failed = bench.pytester.mkpydir(".pytest_cache") / "v" / "cache" / "lastfailed"
    failed.parent.mkdir(parents=True)
    test = "test_few.py::TestFew::test_prediction_speed[bert-base-uncased-dynamic-pytorch]"
    failed.write_text(json.dumps({test: True}), encoding="utf-8")
    monkeypatch.setattr(nvml, "describe", lambda: {"devices": ["one"]})
    bench.pytester.makepyfile(test_few=DECLARED.format(more=""))
    recorder = bench.pytester.inline_run("--collect-only", "--harness-scale=tiny", *arguments)
    (session,) = {call.session for call in recorder.getcalls("pytest_collection_finish")}
    prediction = [item for item in session.items if item.originalname == "test_prediction_speed"]
    assert bool(prediction) == timed


def test_a_limit_is_told_and_the_others_go_on(bench: Bench) -> None:
    """What does not fit into memory is in the summary, with the batch size; nothing fails."""
    folder = bench.pytester.path
    (folder / "fault.py").write_text(
        "import torch\nfrom harness.worker import pace\n"
        "run = pace.Pacer._run\n"
        "def limited(self, strategy, batches, **keywords):\n"
        "    if strategy.name == 'dynamic':\n"
        "        raise torch.OutOfMemoryError('tried to allocate 9 GiB')\n"
        "    return run(self, strategy, batches, **keywords)\n"
        "pace.Pacer._run = limited\n",
        encoding="utf-8",
    )
    bench.pytester.makeconftest(
        "from functools import partialmethod\nfrom pathlib import Path\n"
        "from harness.judge.runs.runner import Runner\n"
        f"Runner.paced = partialmethod(Runner.paced, fault=Path({str(folder / 'fault.py')!r}))\n"
    )
    result = bench("test_few.py", "-k", "prediction")
    result.assert_outcomes(passed=3, skipped=1, deselected=8)
    result.stdout.fnmatch_lines(
        ["not measured (1 cells): dynamic does not fit into memory with batches of 4 and 32 tokens"]
    )


def test_neighbours_are_not_timed(bench: Bench) -> None:
    """Under pytest-xdist, collations are proven, and nothing is timed."""
    result = bench("test_few.py", "-n", "2")
    result.assert_outcomes(passed=4, skipped=8)
    assert not (bench.pytester.path / "reports" / "padding.html").exists()


def test_what_is_stored_has_no_speed(bench: Bench, tmp_path: Path) -> None:
    """Where nothing may be computed, nothing is measured, and the session is not green."""
    bench.store = tmp_path / "store"
    result = bench("test_few.py", "--harness-stored")
    result.assert_outcomes(skipped=12)
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('lengths = "gaussian"', "unknown TestFew.lengths 'gaussian'"),
        ('lenghts = "uniform"', "did you mean 'lengths'"),
        ("scales = 3", "TestFew.scales is an int"),
        ("def test_training_speed(self): pass", "replaces an inherited invariant"),
        ('opt_out = {"test_speed": "slow"}', "unknown invariant in TestFew.opt_out"),
    ],
)
def test_a_wrong_declaration_is_told(bench: Bench, more: str, message: str) -> None:
    """At collection, with a sentence."""
    result = bench(more=more)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert message in result.stdout.str()
    assert "harness/suite.py" not in result.stdout.str()


def test_a_benchmark_is_no_suite(bench: Bench) -> None:
    """What gates or proves suites finds none here, and says so."""
    bench("--collect-only")
    done = subprocess.run(
        [sys.executable, "-m", "harness.judge.cli", "calibrate", "test_few.py"],
        cwd=bench.pytester.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "pytest finds no suite in test_few.py" in done.stderr

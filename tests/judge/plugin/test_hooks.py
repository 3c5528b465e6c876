"""The public door: suites behave as any pytest project, and are never green by omission."""

import argparse
import json
import os
import re
import shutil
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from harness.core import nvml
from harness.judge.cell import Cell
from harness.judge.document import Document
from harness.judge.runs.runner import Runner
from harness.judge.settings import Settings
from harness.judge.suite import evaluate
from harness.judge.suite.base import invariants
from tests.conftest import SMALL_SUITE, Door
from tests.repositories import ROOT

CELL = "bert-base-uncased-dynamic-trainer"


def test_default_runs_tiny_and_skips_full(door: Door) -> None:
    """Every inherited invariant is a test of the tiny cell; the full one is one skip, with why.

    So are the two that a night asks for.
    """
    result = door("-rs")
    outcomes = result.parseoutcomes()
    assert outcomes.pop("deselected") == len(invariants())
    assert sum(outcomes.values()) == len(invariants())
    assert set(outcomes) <= {"passed", "skipped", "xfailed"}
    result.stdout.fnmatch_lines(["*full scale: ask for it with -m gpu*"])
    assert result.ret == 0


def test_trials_can_be_left_out(door: Door) -> None:
    """`-m "not trials"` judges records only, at the scale that no mark asks for."""
    result = door("-m", "not trials", "--harness-scale=tiny")
    outcomes = result.parseoutcomes()
    left_out = len(evaluate.of("trials"))
    assert outcomes["passed"] + outcomes["skipped"] == len(invariants()) - left_out - 1
    assert outcomes["deselected"] == left_out + 1


def test_leaving_a_mark_out_asks_for_nothing(door: Door) -> None:
    """`-m "not nightly"` names a mark of the full scale, and still runs the tiny one alone."""
    result = door("-m", "not (nightly or trials)", "-rs", "-k", "finite")
    result.stdout.fnmatch_lines(["*full scale: ask for it with -m gpu*"])
    assert result.ret == 0


def test_summary_shows_one_line_a_cell(door: Door) -> None:
    """Data set, model, collation, metrics, speeds, padding, time and origin are in one line."""
    result = door()
    result.stdout.re_match_lines(
        [
            r"data set +model +collation +metrics +samples/s +real tokens/s +padding +wall +from",
            (
                r"glue/mrpc +bert-base-uncased +dynamic +accuracy 0\.\d{4} +f1 0\.\d{4} "
                r"+[\d,]+ +[\d,]+ +\d+\.\d% +\d+\.\d s +store"
            ),
        ]
    )


def test_reports_are_written(door: Door) -> None:
    """A JSON and a Markdown summary and a page say the same as the terminal."""
    door()
    session = json.loads((door.pytester.path / "reports" / "session.json").read_text())
    (cell,) = session["cells"]
    assert (cell["suite"], cell["cell"], cell["trained"]) == ("TestSmall", CELL, False)
    assert set(cell["metrics"]) == {"accuracy", "f1"}
    assert session["environment"]["packages"]["transformers"]
    assert sum(session["tests"].values()) == len(invariants())
    assert [len(cells) for cells in session["not_measured"].values()] == [1, 1]
    reason = "several seeds beside what was accepted: ask for them with -m nightly"
    test = f"test_small.py::TestSmall::test_baseline_holds[{CELL}]"
    assert session["outcomes"][test]["message"] == reason
    text = (door.pytester.path / "reports" / "session.md").read_text()
    assert "| glue/mrpc | bert-base-uncased | dynamic |" in text
    assert "## Not measured" in text
    page = (door.pytester.path / "reports" / "session.html").read_text(encoding="utf-8")
    assert f"<h3>TestSmall/{CELL}</h3>" in page


def test_ids_select(door: Door) -> None:
    """One invariant of one cell has an id that pytest, an IDE and a shell can name."""
    result = door(f"test_small.py::TestSmall::test_labels_are_renamed[{CELL}]")
    result.assert_outcomes(passed=1)
    door("-k", "labels_are_renamed and not full").assert_outcomes(
        passed=1, deselected=2 * len(invariants()) - 1
    )


def test_without_an_accelerator_gpu_is_not_green(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`-m gpu` on a machine without one says why and exits with 5."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    result = door("-m", "gpu")
    assert result.ret == 5
    result.stdout.fnmatch_lines(["nothing was measured*", "not measured*no accelerator*"])


def test_the_driver_is_asked_once_a_cell(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many invariants the cell has; without a device all of them are one skip."""
    queries: list[str] = []

    def describe() -> dict[str, str]:
        queries.append("driver")
        return {}

    monkeypatch.setattr(nvml, "describe", describe)
    pytester.makepyfile(test_small=SMALL_SUITE)
    pytester.inline_run("--collect-only", "-q", "-m", "gpu")
    assert queries == ["driver"]


def test_without_a_source_full_is_not_green(
    door: Door, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A missing source lists every place tried, and the session exits with 5."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    result = door("--harness-scale=full", "--harness-device=cpu", f"--harness-sources={tmp_path}")
    assert result.ret == 5
    result.stdout.fnmatch_lines(
        [
            "nothing was measured*",
            "not measured*'glue/mrpc' was not found",
            "tried:",
            f"  {tmp_path}/datasets/mrpc",
            "give a folder that holds datasets/mrpc/train.parquet with --harness-sources*",
        ]
    )


def test_an_empty_selection_is_not_green(door: Door) -> None:
    """A -k that matches nothing measures nothing, and says so."""
    result = door("-k", "no_such_test")
    assert result.ret == 5
    count = 2 * len(invariants())
    result.stdout.fnmatch_lines([f"nothing was measured: all {count} * by -k 'no_such_test' *"])


def test_a_scale_that_is_not_judged_is_named(door: Door) -> None:
    """Where a table says `tiny`, -m gpu selects nothing, and the reason is not far to seek."""
    door.pytester.makepyprojecttoml("[tool.harness]\nscale = 'tiny'\n")
    result = door("-m", "gpu")
    assert result.ret == 5
    result.stdout.fnmatch_lines(["*by -m 'gpu', of which there are those of scale tiny alone*"])


@pytest.mark.parametrize(
    ("other", "code"),
    [("def test_mine(): pass", 0), ("import nothing_of_the_kind", 2)],
    ids=["other tests", "an error"],
)
def test_suites_that_nobody_asked_for_claim_nothing(door: Door, other: str, code: int) -> None:
    """Whoever runs other tests, or cannot collect them, reads nothing of deselected suites."""
    door.pytester.makepyfile(test_other=other)
    result = door("-k", "mine")
    assert result.ret == code
    result.stdout.no_fnmatch_line("*nothing was measured*")


@pytest.mark.parametrize("arguments", [["suites/"], ["-q"]])
def test_an_empty_folder_says_what_to_do(pytester: pytest.Pytester, arguments: list[str]) -> None:
    """What it prints is a suite, if it is put where it says."""
    pytester.mkdir("suites")
    result = pytester.runpytest_subprocess(*arguments)
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(["suites holds no suite. Begin with suites/test_mrpc.py:"])
    printed = result.stdout.str().partition("test_mrpc.py:")[2]
    example = re.split("\n=|\nno tests", printed)[0].strip()
    (pytester.path / "suites" / "test_mrpc.py").write_text(example, encoding="utf-8")
    collected = pytester.runpytest_subprocess("suites", "--collect-only", "-q")
    assert collected.parseoutcomes()["tests"] == 2 * len(invariants())


def test_a_folder_of_other_tests_is_none_of_ours(pytester: pytest.Pytester) -> None:
    """Where nobody keeps suites, an empty session is pytest's own."""
    result = pytester.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.no_fnmatch_line("*suite*")


def test_a_folder_of_our_name_is_none_of_ours(pytester: pytest.Pytester) -> None:
    """Its tests are marked by nobody, and may be given whatever their authors like."""
    folder = pytester.mkdir("harness")
    (folder / "test_mine.py").write_text(
        "import numpy as np\nimport pytest\n\n\n"
        "@pytest.mark.parametrize('x', [np.array([1, 2])])\ndef test_mine(x): pass\n",
        encoding="utf-8",
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1)
    assert result.ret == 0
    assert not (pytester.path / "reports").exists()


def test_failures_rerun_first_and_stop(door: Door) -> None:
    """-x stops at the first failure, --lf runs it again, and a pass is a pass."""
    door.pytester.makepyfile(test_small=_suite_with_failing_test())
    first = door("-x", "-k", "not full")
    assert first.parseoutcomes()["failed"] == 1
    again = door("--lf", "-k", "not full")
    again.assert_outcomes(failed=1, deselected=again.parseoutcomes().get("deselected", 0))
    again.stdout.fnmatch_lines(["*assert run.steps[[]0].loss > 100*"])


def _suite_with_failing_test() -> str:
    """The small suite with a test of its own that cannot pass."""
    return SMALL_SUITE + (
        "\n    def test_impossible(self, run):\n"
        '        """A loss is never that high."""\n'
        "        assert run.steps[0].loss > 100\n"
    )


def test_a_store_that_cannot_be_used_is_told(door: Door, tmp_path: Path) -> None:
    """A newer store ends the session; a place that cannot be written is an error of the tests."""
    (tmp_path / "VERSION").write_text("999\n", encoding="ascii")
    newer = door.pytester.runpytest_subprocess(f"--harness-store={tmp_path}")
    assert newer.ret == pytest.ExitCode.USAGE_ERROR
    newer.stderr.fnmatch_lines(["ERROR: the store * is of version 999", "*upgrade finetune*"])
    blocked = door.pytester.runpytest_subprocess(
        f"--harness-store={tmp_path / 'VERSION' / 'store'}", "-k", "labels_are_renamed"
    )
    assert blocked.parseoutcomes()["errors"] == 1
    blocked.stdout.fnmatch_lines(["the store * cannot be written", "Not a directory*"])
    blocked.stdout.no_fnmatch_line("*Traceback*")


@pytest.fixture
def small_folder(runner: Runner, small_cell: Cell) -> Path:
    """The small record's folder in the store."""
    return runner.settings.store / "records" / runner.run(small_cell).key.path


def test_a_corrupt_record_is_set_aside_and_trained_again(door: Door, small_folder: Path) -> None:
    """It is kept under another name, the cell trains again, and the summary says so once."""
    store = door.pytester.path / "store"
    copied = store / small_folder.relative_to(door.store)
    shutil.copytree(small_folder, copied)
    record = copied / "record.json"
    record.write_text(record.read_text() + " ", encoding="utf-8")
    arguments = (f"--harness-store={store}", "-k", "labels_are_renamed and not full")
    result = door.pytester.runpytest_subprocess(*arguments)
    assert result.parseoutcomes()["passed"] == 1
    lines = [line for line in result.outlines if "is corrupt" in line]
    assert len(lines) == 1
    assert "record.json has changed" in lines[0]
    assert Path(lines[0].partition("kept as ")[2]).is_dir()
    again = door.pytester.runpytest_subprocess(*arguments)
    again.stdout.no_fnmatch_line("*is corrupt*")
    again.stdout.re_match_lines([r"glue/mrpc .* store"])


def test_junit_names_every_test(door: Door) -> None:
    """JUnit has a case for every item, the skipped ones with their reason."""
    path = door.pytester.path / "junit.xml"
    door(f"--junitxml={path}")
    cases = ET.parse(path).getroot().findall(".//testcase")  # noqa: S314 - we wrote it
    assert len(cases) == len(invariants())
    reasons = {skip.get("message") for case in cases for skip in case.findall("skipped")}
    assert any("full scale" in (reason or "") for reason in reasons)


def test_no_cell_trains_twice_under_xdist(door: Door) -> None:
    """Two processes that want the same cells train and try each of them once."""
    body = door.pytester.path / "test_small.py"
    text = body.read_text().replace("'max_train_samples': 100", "'max_train_samples': 40")
    body.write_text(text.replace("class TestSmall", "class TestTwo"))
    store = door.pytester.path / "store"
    result = door("-n", "2", f"--harness-store={store}", "-k", "not full")
    assert result.ret == 0
    session = json.loads((door.pytester.path / "reports" / "session.json").read_text())
    assert [cell["trained"] for cell in session["cells"]] == [True]
    assert len(list((store / "records").glob("*/*/*/record.json"))) == 1
    assert len(list((store / "records").glob("*/*/*/trials.json"))) == 1
    assert len(list((store / "locks").iterdir())) == 2


def test_fresh_trains_again(door: Door, small_folder: Path) -> None:
    """--harness-fresh ignores the store and keeps what is there."""
    before = set(small_folder.parent.iterdir())
    result = door("--harness-fresh", "-k", "labels_are_renamed and not full")
    result.stdout.re_match_lines([r"glue/mrpc .* trained"])
    result.stderr.fnmatch_lines(["loading torch, transformers, *"])  # ten seconds are not silent
    assert set(small_folder.parent.iterdir()) > before


LOSING = ("--harness-fresh", "--harness-timeout=0.01", "-k", "labels and not full", "-rs")


@pytest.mark.parametrize("processes", [(), ("-n", "2", "--dist", "load")])
def test_a_lost_run_is_one_error(door: Door, processes: tuple[str, ...]) -> None:
    """Its first test shows the worker's end, without our traceback; the others name that test.

    Lost trials, of the same cause, are not shown again; nor are they by another process.
    """
    result = door(*LOSING, *processes)
    counts = result.parseoutcomes()
    assert (counts["errors"], counts["skipped"]) == (1, 4)
    assert result.ret == 1
    text = result.stdout.str()
    assert text.count("\nthe run took longer than 0.01 s and was killed\n") == 1
    result.stdout.fnmatch_lines(
        [
            "LOST 1 cell, 5 tests: the run took longer than 0.01 s and was killed",
            f"    TestSmall/{CELL}",
            "    again: pytest *--harness-fresh --harness-timeout=0.01",
            f"SKIPPED * its cell was lost: see TestSmall::test_labels_*[[]{CELL}[]]",
        ]
    )
    result.stdout.no_fnmatch_line("*runner.py*")
    result.stdout.no_fnmatch_line("*During handling*")
    outcomes = json.loads((door.pytester.path / "reports" / "session.json").read_text())["outcomes"]
    assert {outcome["lost"] for outcome in outcomes.values()} == {
        "the run took longer than 0.01 s and was killed"
    }


def test_a_failure_can_be_seen_again_as_printed(door: Door, tmp_path: Path) -> None:
    """Its command has what the session was given; run elsewhere than the root, it fails again."""
    folder = door.pytester.mkdir("our suites")
    (door.pytester.path / "test_small.py").rename(folder / "test_small.py")
    (folder / "test_small.py").write_text(_suite_with_failing_test(), encoding="utf-8")
    door.pytester.makeini("[pytest]\n")
    os.chdir(tmp_path)
    result = door(
        *("--rootdir", str(door.pytester.path), str(folder), "-k", "impossible"),
        *("-m", "not gpu", f"--harness-sources={tmp_path / 'a b'}", "--harness-scale=tiny"),
    )
    assert result.parseoutcomes()["failed"] == 1
    result.stdout.re_match_lines(
        [
            r"BROKEN in 1 cell: test_impossible: A loss is never that high\.",
            rf"    TestSmall/{CELL}: 0\.\d+ > 100 does not hold",
        ]
    )
    (printed,) = (x for x in result.outlines if x.strip().startswith("again: "))
    written = (door.pytester.path / "reports" / "session.md").read_text(encoding="utf-8")
    command = printed.partition("again: ")[2]
    assert f"  $ {command}\n" in written
    again = door.pytester.run("sh", "-c", f"{sys.executable} -m {command}")
    assert again.parseoutcomes()["failed"] == 1
    again.stdout.fnmatch_lines(["*--harness-sources=*a b'*"])


def test_settings_live_in_pyproject(door: Door) -> None:
    """[tool.harness] sets what the command line does not."""
    door.pytester.makepyprojecttoml("[tool.harness]\nscale = 'tiny'\nreports = 'elsewhere'\n")
    result = door()
    assert sum(result.parseoutcomes().values()) == len(invariants())
    assert (door.pytester.path / "elsewhere" / "session.json").is_file()
    assert door("--harness-scale=full").ret == 5


def test_overrides_change_the_recipe_and_unbind_thresholds(door: Door) -> None:
    """A changed recipe is not judged by thresholds that were declared for another."""
    changed = ("--harness-set=seed=7", "--harness-set=max_train_samples=16")
    arguments = (*changed, "-k", "not full", "-m", "not trials")
    result = door(*arguments, "-rs")
    assert "failed" not in result.parseoutcomes()
    result.stdout.fnmatch_lines(["*declared recipe, and max_train_samples, seed changed*"])
    result = door(*arguments, "--harness-set=accuracy=1.0")
    assert result.parseoutcomes()["failed"] == 1


def test_opting_out_is_a_skip_with_its_reason(door: Door) -> None:
    """An invariant that a suite opts out of never passes silently."""
    body = door.pytester.path / "test_small.py"
    body.write_text(
        body.read_text() + "\n    opt_out = {'test_first_loss_is_chance': 'starts fine-tuned'}\n"
    )
    result = door("-rs", "-k", "first_loss and not full")
    result.assert_outcomes(skipped=1, deselected=2 * len(invariants()) - 1)
    result.stdout.fnmatch_lines(["*opted out: starts fine-tuned*"])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("treshold = Thresholds()", "attribute of TestBad 'treshold': did you mean 'thresholds'?"),
        ("recipe = Recipe(dataset='imbd')", "unknown data set 'imbd': did you mean 'imdb'?"),
        ("recipe = Recipe(epocs=1)", "test_bad.py:4: unknown Recipe field 'epocs'"),
        ("matrix = Matrix(modle=['a'])", "test_bad.py:4: unknown Matrix axis 'modle'"),
        ("matrix = Matrix()", "TestBad has no recipe"),
        ("recipe = {'dataset': 'imdb'}", "TestBad.recipe is a dict"),
        (
            "recipe = Recipe(dataset='imdb'); opt_out = {'test_labels': 'no'}",
            "did you mean 'test_labels_are_renamed'?",
        ),
        (
            "recipe = Recipe(dataset='imdb'); opt_out = {'test_loss_falls': ' '}",
            "gives no reason",
        ),
        ("test_loss_falls = None", "TestBad.test_loss_falls replaces an inherited invariant"),
        (
            "recipe = Recipe(dataset='imdb', load_best_model_at_end=True)",
            "load_best_model_at_end needs matching strategies",
        ),
    ],
)
def test_a_bad_suite_is_told(pytester: pytest.Pytester, body: str, message: str) -> None:
    """Each mistake is one message at collection, without a traceback of ours."""
    pytester.makepyfile(
        test_bad=f"""
        from harness import Matrix, Recipe, Suite, Thresholds

        class TestBad(Suite):
            {body}
        """
    )
    result = pytester.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert message in result.stdout.str()
    assert "Traceback" not in result.stdout.str()
    assert not (pytester.path / ".harness").exists()


def test_a_suite_of_a_suite_is_refused(door: Door) -> None:
    """One class is one suite."""
    body = door.pytester.path / "test_small.py"
    body.write_text(body.read_text() + "\nclass TestSmaller(TestSmall):\n    pass\n")
    result = door()
    result.stdout.fnmatch_lines(["*TestSmaller inherits from TestSmall*"])


def test_options_are_all_ours(pytester: pytest.Pytester) -> None:
    """Every option starts with --harness-, and the marks are registered."""
    text = pytester.runpytest_subprocess("--help").stdout.str()
    for name in ("scale", "device", "sources", "set", "python", "store", "reports", "fresh"):
        assert f"--harness-{name}" in text
    marks = pytester.runpytest_subprocess("--markers").stdout.str()
    for mark in ("gpu", "nightly", "slow"):
        assert f"@pytest.mark.{mark}:" in marks


def test_settings_say_themselves_as_options(tmp_path: Path) -> None:
    """A session that is started for another has the same settings."""
    (tmp_path / "python").symlink_to(sys.executable)
    parser = argparse.ArgumentParser()
    for flag, keywords in Settings.options():
        parser.add_argument(flag, **keywords)
    settings = Settings(
        scale="full",
        sources=(Path("/a"), Path("/b c")),
        set=("seed=1",),
        python=tmp_path / "python",
        store=Path("/store"),
        reports=Path("/reports"),
        stored=True,
        timeout=5.0,
    )
    given = {
        n.removeprefix("harness_"): v
        for n, v in vars(parser.parse_args(settings.arguments())).items()
    }
    table = {"tool": {"harness": {"fresh": False}}}
    project = Document(path=Path("pyproject.toml"), content=table)
    assert Settings.merge(given, project, Path("/"), Path("/")) == settings


def test_our_suites_are_declarations() -> None:
    """The three suites declare and do nothing else."""
    for name in ("mrpc", "imdb", "yelp"):
        text = (ROOT / "suites" / f"test_{name}.py").read_text(encoding="utf-8")
        assert "def " not in text
        assert "(Suite)" in text

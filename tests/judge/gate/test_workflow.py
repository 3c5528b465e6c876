"""The gate, through its public door: two environments, one verdict, an exit code."""

import json
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

import harness
from harness.core.errors import SpecError
from harness.judge import finding
from harness.judge.finding import Finding, Status
from harness.judge.gate import packages
from harness.judge.venvs import requirements
from harness.judge.venvs.build import Environments
from tests import uv, wheels
from tests.conftest import SMALL_SUITE
from tests.judge.reports.test_pages import CELL, SCHEMA

pytestmark = pytest.mark.slow


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a gate answered: its exit code, its output and its report."""

    code: int
    printed: str
    report: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """Runs `harness gate` as a user would, in a folder with the small suite."""

    folder: Path
    store: Path

    def __call__(self, *arguments: str) -> Answer:
        """Ask."""
        path = self.folder / "reports" / "gate.json"
        path.unlink(missing_ok=True)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "harness.judge.cli", "gate", "--suites", "test_small.py"),
                *("--store", str(self.store), "--correctness-only", *arguments),
            ],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        report = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        if report:
            jsonschema.validate(report, SCHEMA)
        return Answer(code=done.returncode, printed=done.stdout + done.stderr, report=report)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, shared_store: Path) -> Desk:
    """A folder with the small suite."""
    folder = tmp_path_factory.mktemp("gate")
    (folder / "test_small.py").write_text(SMALL_SUITE, encoding="utf-8")
    return Desk(folder=folder, store=shared_store)


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment like the running one, but for a release of tqdm."""
    folder = tmp_path_factory.mktemp("environments")
    made = Environments(folder=folder)
    running = Path(sys.executable)
    return made.make(running, made.resolve(running, ["tqdm==4.67.1"]))


@contextmanager
def edited(python: Path, inserted: str) -> Iterator[Path]:
    """The same interpreter, with a line in its optimizer, as long as the block runs."""
    (module,) = python.parent.parent.glob("lib/*/site-packages/torch/optim/adamw.py")
    clean = module.read_text(encoding="utf-8")
    line = "super().__init__("
    assert line in clean
    module.unlink()  # uv's cache holds the same file
    module.write_text(clean.replace(line, f"{inserted}\n        {line}", 1), encoding="utf-8")
    yield python
    module.write_text(clean, encoding="utf-8")


@pytest.fixture
def broken(candidate: Path) -> Iterator[Path]:
    """The same interpreter, whose optimizer takes larger steps."""
    with edited(candidate, "lr = lr * 1.5") as python:
        yield python


@pytest.fixture
def crashing(candidate: Path) -> Iterator[Path]:
    """The same interpreter, whose optimizer cannot be made."""
    with edited(candidate, "raise RuntimeError('no optimizer')") as python:
        yield python


@pytest.mark.exhaustive
def test_a_harmless_change_passes(
    desk: Desk, candidate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another release of tqdm: everything is bit-equal, later stages are skipped."""
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    answer = desk("--candidate-python", str(candidate))
    assert answer.code == 0, answer.printed
    assert answer.report["verdict"] == "pass"
    assert [change["package"] for change in answer.report["changes"]] == ["tqdm"]
    assert answer.report["bit_equal"] == [1, 1]
    assert {one["stage"] for one in answer.report["findings"]} == {"invariants", "first steps"}
    tests = {one["test"] for one in answer.report["findings"] if one["stage"] == "invariants"}
    cell = "bert-base-uncased-dynamic-trainer"
    assert f"test_small.py::TestSmall::test_losses_are_finite[{cell}]" in tests
    text = (desk.folder / "reports" / "gate.md").read_text(encoding="utf-8")
    assert text.startswith("# Gate: pass")
    page = (desk.folder / "reports" / "gate.html").read_text(encoding="utf-8")
    shared = "Trainer multiplies loss and gradient by gradient_accumulation_steps (transformers "
    for form in (answer.printed.partition("compared:")[0], text.partition("## Packages")[0]):
        (line,) = (line for line in form.splitlines() if shared in line)
        assert line.endswith("(2 tests)"), line
    assert shared in page.partition("<h2>Packages")[0]
    (again,) = re.findall("<summary>again</summary><pre>(.*)</pre>", page)
    judged = subprocess.run(
        [sys.executable, "-m", *shlex.split(unescape(again)), "--harness-stored", "-q"],
        cwd=desk.folder,
        check=False,
    )
    assert judged.returncode == 0, again
    assert summary.read_text(encoding="utf-8") == text


@pytest.mark.exhaustive
def test_a_constraints_file_says_what_changes(desk: Desk) -> None:
    """As a bot's pull request edits one: what is pinned otherwise moves, nothing else comes."""
    pins = desk.folder / "pins.txt"
    pins.write_text("tqdm==4.67.1\nsomething-not-installed==1\n", encoding="utf-8")
    kept = ["--environments", str(desk.folder / "environments")]
    answer = desk("--constraint", str(pins), *kept, *uv.links())
    assert answer.code == 0, answer.printed
    (change,) = answer.report["changes"]
    assert (change["package"], change["after"], change["asked"]) == ("tqdm", "4.67.1", True)


def test_a_broken_library_is_regressed(desk: Desk, broken: Path) -> None:
    """An edited optimizer is found by invariants, by the first steps and by the losses."""
    answer = desk("--candidate-python", str(broken))
    assert answer.code == 1, answer.printed
    assert "REGRESSED invariants: test_learning_rate_follows_schedule" in answer.printed
    page = (desk.folder / "reports" / "gate.html").read_text(encoding="utf-8")
    (again,) = set(re.findall("<pre>(harness gate .*)</pre>", page))
    command = unescape(again).replace("--suites test_small.py", "")  # which the desk says itself
    assert desk(*shlex.split(command)[2:]).report == answer.report
    stages = {f["stage"] for f in answer.report["findings"] if f["standing"] == "regressed"}
    assert {"invariants", "first steps"} <= stages
    cases = ET.parse(desk.folder / "reports" / "gate.xml").getroot()  # noqa: S314 - our own
    failed = {case.get("classname") for case in cases if case.find("failure") is not None}
    assert failed == stages
    assert {"torch", "tqdm"} == {change["package"] for change in answer.report["changes"]}


@pytest.mark.exhaustive
def test_a_crash_is_neither_a_pass_nor_a_failure_of_its_tests(desk: Desk, crashing: Path) -> None:
    """Where the candidate crashes, that is one regression; where the base did, nothing is fixed."""
    answer = desk("--candidate-python", str(crashing))
    assert answer.code == 1, answer.printed
    judged = [f for f in answer.report["findings"] if f["stage"] == "invariants"]
    (lost,) = (f for f in judged if f["standing"] == "regressed")
    assert (lost["name"], lost["cell"]) == ("lost", CELL)
    assert "lost in the candidate: the run crashed: RuntimeError: no optimizer" in lost["words"]
    answer = desk("--base-python", str(crashing), "--candidate-python", sys.executable)
    standings = Counter(f["standing"] for f in answer.report["findings"])
    assert answer.report["verdict"] in {"inconclusive", "not measured"}, answer.printed
    assert not standings["fixed"] + standings["regressed"], answer.printed
    assert answer.printed.count("lost in the base: the run crashed") == 1


@pytest.mark.exhaustive
def test_each_regression_is_attributed_apart(desk: Desk, tmp_path: Path) -> None:
    """Two releases break two tests: each is named with its own, and with nothing else."""
    broken = {
        "evaluate": ("accuracy_flattered", "test_metrics_match_predictions"),
        "transformers": ("saved_without_label_names", "test_saved_model_reloads"),
    }
    faults = Path(harness.__file__).parent / "judge" / "mutation" / "faults"
    made = [
        str(wheels.faulty(package, faults / f"{fault}.py", tmp_path))
        for package, (fault, _) in broken.items()
    ]
    kept = ["--environments", str(tmp_path / "environments")]
    answer = desk(*made, "--attribute", *kept, *uv.links())
    assert answer.code == 1, answer.printed
    tests_by_culprits = {
        tuple(culprit["package"] for culprit in each["culprits"]): {
            name.rpartition(":")[2] for name in each["findings"]
        }
        for each in answer.report["attributions"]
    }
    assert tests_by_culprits == {(package,): {test} for package, (_, test) in broken.items()}, (
        answer.printed
    )


@pytest.mark.exhaustive
def test_what_is_allowed_passes_and_is_shown(desk: Desk, broken: Path) -> None:
    """A named difference passes with its reason, in every report, until nothing needs it."""
    options = ["--allowed", str(desk.folder / "accepted.toml")]
    arguments = ["--candidate-python", str(broken), *options]
    answer = desk(*arguments, "--allow", "*", "--because", "we want larger steps")
    assert answer.code == 0, answer.printed
    assert "ALLOWED invariants: test_learning_rate_follows_schedule" in answer.printed
    assert "because we want larger steps" in answer.printed
    assert desk(*arguments).code == 0
    refused = desk(*arguments, "--allow", "training:*")
    assert refused.code == 2
    assert "nothing says why 'training:*' is allowed" in refused.printed
    only = ["--allowed", str(desk.folder / "other.toml")]
    partly = desk(
        "--candidate-python", str(broken), *only, "--allow", "contracts:*", "--because", "x"
    )
    assert partly.code == 1
    assert "NO LONGER NEEDED contracts:*: allowed because x" in partly.printed


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "nothing says what the candidate is"),
        (["--candidate-python", sys.executable], 2, "the two sides are the same"),
        (["--candidate-python", "/nowhere/python"], 2, "/nowhere/python"),
        (
            ["--candidate-python", sys.executable, "--constraint", "test_small.py"],
            2,
            "both changed packages and an interpreter",
        ),
        (["transformers==0.0.0"], 3, "there is no version of transformers==0.0.0"),
        (["--constraint", "nowhere.txt"], 2, "there is no nowhere.txt"),
        (["nope.txt"], 2, "there is no nope.txt"),
        (["wheels/nope-1-py3-none-any.whl"], 2, "there is no wheels/nope-1"),
        (["test_small.py"], 2, "name suites with --suites test_small.py"),
        (["tqdm", "--allow-dragged", "tourch"], 2, "did you mean 'torch'"),
        (["tqdm==4.67.1", "--environments", "test_small.py/x"], 2, "no environment can be made"),
        (["tqdm", "--reports", "test_small.py"], 2, "the reports folder"),
        (["tqdm", "--harness-set", "nonsense=1"], 2, "--harness-set unknown field 'nonsense'"),
        (["transformers=5"], 2, "neither a requirement nor a file"),
    ],
)
def test_what_cannot_be_compared_is_no_pass(
    desk: Desk, arguments: list[str], code: int, message: str
) -> None:
    """Usage exits with 2, an environment that cannot be had with 3; each says why."""
    answer = desk(*arguments, *uv.links())
    assert answer.code == code
    assert message in answer.printed
    assert "Traceback" not in answer.printed


def description(**packages: str) -> dict[str, Any]:
    """A description of an environment with these packages."""
    return {"packages": packages, "files": {"torch": "a"}, "python": "3.11.7"}


def test_a_core_package_that_moved_along_stands_out() -> None:
    """Unless the user named or allows it; what computes nothing may move."""
    before = description(torch="2", tqdm="1", numpy="1")
    moved = packages.between(before, description(torch="3", tqdm="2", numpy="2"), ["numpy"])
    (change,) = packages.dragged(moved, [])
    assert change.description == "torch: 2 -> 3  (dragged along)"
    assert not packages.dragged(moved, ["Torch"])


def test_dragged_packages_are_named() -> None:
    """What the user did not name is kept apart from what the user named."""
    before = description(transformers="5", tokenizers="0.23")
    after = description(transformers="4", tokenizers="0.22")
    requested, dragged = packages.between(before, after, ["transformers"])
    assert (requested.package, requested.requested) == ("transformers", True)
    assert (dragged.package, dragged.after, dragged.requested) == ("tokenizers", "0.22", False)


def test_changes_name_packages(tmp_path: Path) -> None:
    """A requirement, a file of them, a wheel and a project's folder say what they are about."""
    listed = tmp_path / "requirements.txt"
    listed.write_text("# the newest\nTorch>=2\n-c other.txt\nhf_xet[x]==1 ; python_version>'3'\n")
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text("[project]\nname = 'My.Models'\n")
    assert requirements.names("transformers[torch]==5") == {"transformers"}
    assert requirements.names(str(listed)) == {"torch", "hf-xet"}
    assert requirements.names(str(tmp_path / "scikit_learn-1+x-py3-none-any.whl")) == {
        "scikit-learn"
    }
    assert requirements.names(str(project)) == {"my-models"}


def test_the_same_packages_are_no_comparison() -> None:
    """Nothing changed: nothing can have regressed, and nothing has passed."""
    with pytest.raises(SpecError, match="the two sides are the same"):
        packages.between(description(torch="2"), description(torch="2"), [])


@pytest.mark.parametrize(
    ("standings", "verdict", "code"),
    [
        (["same", "changed", "fixed", "known"], "pass", 0),
        (["same", "regressed", "inconclusive"], "regressed", 1),
        (["same", "inconclusive"], "inconclusive", 4),
        (["not measured"], "not measured", 5),
        (["known"], "not measured", 5),
        (["allowed"], "pass", 0),
        (["same", "not measured"], "inconclusive", 4),
        ([], "not measured", 5),
    ],
)
def test_the_worst_finding_decides(standings: list[Status], verdict: str, code: int) -> None:
    """A comparison is as good as its worst finding, and never passes on nothing."""
    findings = [
        Finding(stage="invariants", cell="", name="x", standing=standing) for standing in standings
    ]
    assert finding.verdict(findings) == verdict
    assert finding.EXIT_CODES[finding.verdict(findings)] == code

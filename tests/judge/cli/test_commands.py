"""The command line, as processes, in a clone of this repository and in others."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.judge.cli.__main__ import COMMANDS
from tests import repositories
from tests.conftest import SMALL_SUITE, Fault

EVERYWHERE = {
    "shrink": (
        ["bert-base-uncased", "--out=small", "--python=BARE"],
        "cannot import what is to be judged",
    ),
    "init": (["nowhere.csv", "--python=BARE"], "there is no"),
    "gate": (["--suites=test_small.py", "--candidate-python=BARE"], "cannot be judged: it has no"),
    "plan": (
        ["imdb", "bert-base-uncased", "--python=BARE"],
        "cannot be judged: it has no",
    ),
    "report": (["test_small.py"], "nothing was measured"),
    "baseline": (["list", "--suites=nowhere"], "there is no baselines.json"),
    "history": ([], "cell"),
    "notify": ([], "the store holds no such night"),
    "environments": (["--environments=made"], ""),
    "store": (["--store=nowhere"], "nowhere: 0.0 MB"),
    "explain": (["test_loss_falls"], "what usually breaks it"),
    "prove": (["test_small.py", "--python=BARE"], "cannot be judged: it has no"),
    "calibrate": (["test_small.py", "--python=BARE"], "cannot be judged: it has no"),
    "contracts": (["test_small.py", "--python=BARE"], "cannot be judged: it has no"),
}
"""How far every command comes where nothing is stored and BARE has nothing installed."""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with the standard library alone."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


@pytest.fixture(scope="module", params=["clone", "strict", "empty"])
def repository(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this repository, a foreign one whose warnings are errors, and an empty one."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "clone":
        repositories.clone(folder)
    elif request.param == "strict":
        table = (
            "[tool.pytest.ini_options]\nfilterwarnings = ['error']\n"
            "addopts = ['-ra', '--ff', '--durations=3', '--strict-config', '--strict-markers']\n"
        )
        (folder / "pyproject.toml").write_text(table, encoding="utf-8")
    (folder / "test_small.py").write_text(SMALL_SUITE, encoding="utf-8")
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_starts_everywhere(command: str, repository: Path, bare: Path) -> None:
    """Whatever pytest makes of the repository's table, and whoever imported what before."""
    arguments, message = EVERYWHERE[command]
    done = harness(
        command, *(word.replace("BARE", str(bare)) for word in arguments), folder=repository
    )
    assert message in done.stdout + done.stderr
    for trouble in ("Warning", "Traceback", "finds no suite"):
        assert trouble not in done.stdout + done.stderr
    assert not (repository / ".benchmarks").exists()


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A suite of one cell, in a clone of this repository."""
    path = repositories.clone(tmp_path) / "test_small.py"
    path.write_text(SMALL_SUITE, encoding="utf-8")
    return path


def harness(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run the command in a folder."""
    command = [sys.executable, "-m", "harness.judge.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.exhaustive
@pytest.mark.slow
def test_prove_says_who_notices(suite: Path, shared_store: Path, fault: Fault) -> None:
    """A known fault is noticed, a harmless one is not, and that is a failure."""
    harmless = fault('"""Nothing is broken."""\n')
    done = harness(
        *("prove", suite.name, "--store", str(shared_store), "--repeats", "1"),
        *("--fault", "state_saved_without_log", "--fault", str(harmless)),
        folder=suite.parent,
    )
    assert done.returncode == 1, done.stderr
    assert "state_saved_without_log: " in done.stdout
    assert "saved_state_holds_the_log" in done.stdout
    assert "fault: NOT NOTICED" in done.stdout
    assert "noticed: 1 of 2 faults" in done.stdout
    assert "clean repeats: 1, 0 with a false alarm" in done.stdout
    proof = json.loads((suite.parent / "reports" / "proof.json").read_text(encoding="utf-8"))
    noticed = proof["exhibits"][0]["noticed"]
    assert noticed["test_saved_state_holds_the_log"].startswith(
        "AssertionError: assert False"
    )  # rewritten
    assert proof["exhibits"][1]["noticed"] == {}
    header, first, _ = (suite.parent / "reports" / "proof.csv").read_text().splitlines()
    assert first.split(",")[header.split(",").index("test_saved_state_holds_the_log")] == "x"


def test_calibrate_shows_noise_beside_tolerances(suite: Path, shared_store: Path) -> None:
    """Clean runs stay within every band, and the proposal is above their noise."""
    store = f"--store={shared_store}"
    done = harness("calibrate", suite.name, "--repeats=1", store, folder=suite.parent)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()[2:]]
    assert {name for name, *_ in rows} >= {"DOUBLE", "SINGLE", "BFLOAT16", "UPDATE"}
    for _, noise, proposed, band in rows:
        assert float(noise) < float(proposed)
        assert float(noise) <= float(band)


def test_contracts_show_signatures(suite: Path) -> None:
    """Every call that recipes use, with the judged library's own parameters and defaults."""
    done = harness("contracts", suite.name, folder=suite.parent)
    assert done.returncode == 0, done.stderr
    assert "loading torch, transformers, " in done.stderr
    assert "loading" not in done.stdout
    lines = done.stdout.splitlines()
    first = lines.index("torch.optim.AdamW")
    assert "    params = required" in lines[first:]
    assert "    lr = 0.001" in lines[first:]


def test_a_report_trains_nothing(suite: Path) -> None:
    """What the store holds is judged and drawn; what it does not hold is not measured."""
    table = '[tool.harness]\nstore = "kept"\n'
    (suite.parent / "pyproject.toml").write_text(table, encoding="utf-8")
    records = suite.parent / "kept" / "records"
    page = suite.parent / "reports" / "session.html"
    done = harness("report", suite.name, folder=suite.parent)
    assert done.returncode == 5, done.stdout
    assert "nothing was measured" in done.stdout
    assert "<title>Session: not measured</title>" in page.read_text(encoding="utf-8")
    assert not records.exists()
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not trials", suite.name]
    answer = subprocess.run(command, cwd=suite.parent, capture_output=True, text=True, check=True)
    assert answer.stderr == ""  # -q is quiet
    trained = [*records.rglob("*")]
    done = harness("report", suite.name, folder=suite.parent)
    assert done.returncode == 0, done.stdout
    assert "not in the store" in done.stdout  # the trials
    text = page.read_text(encoding="utf-8")
    assert "<title>Session: passed</title>" in text
    assert "<polyline" in text
    assert [*records.rglob("*")] == trained


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prove", "test_small.py", "--fault", "mask_of_one"], "there is no fault 'mask_of_one'"),
        (["prove", "nowhere"], "pytest finds no suite in nowhere"),
        (["calibrate", "empty.py"], "pytest finds no suite in empty.py"),
        (["calibrate", "broken.py"], "the suites cannot be collected"),
    ],
)
def test_bad_input_is_one_message(suite: Path, arguments: list[str], message: str) -> None:
    """What, why and how to fix, without a traceback of ours; nothing is left behind."""
    (suite.parent / "empty.py").write_text("", encoding="utf-8")
    (suite.parent / "broken.py").write_text("import nothing_of_the_kind", encoding="utf-8")
    done = harness(*arguments, folder=suite.parent)
    assert done.returncode == 2
    assert message in done.stderr
    assert 'File "' not in done.stderr.replace(str(suite.parent), "").partition("broken.py")[0]
    reports = (suite.parent / "reports").rglob("*.*")
    assert [path.name for path in reports] == ["README.md"]

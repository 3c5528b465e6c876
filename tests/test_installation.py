"""Another repository installs this project's wheel and keeps suites of its own."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness.core import environment
from tests import uv
from tests.conftest import SMALL_SUITE
from tests.repositories import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel."""
    return uv.wheel(tmp_path_factory.mktemp("wheel"))


def test_wheel_brings_the_fixtures_and_nothing_loose(wheel: Path) -> None:
    """Embedded data travels inside the package; suites, tests and reports do not travel."""
    names = zipfile.ZipFile(wheel).namelist()
    assert "harness/fixtures/datasets/mrpc/train.parquet" in names
    assert "harness/fixtures/models/bert-base-uncased/model.safetensors" in names
    assert "harness/judge/suite/explanations.toml" in names
    assert "harness/py.typed" in names
    top = {name.partition("/")[0] for name in names}
    assert top == {"harness", next(name for name in top if name.endswith(".dist-info"))}


VERSIONS = uv.supported()


@pytest.fixture(scope="module", params=VERSIONS)
def lean(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The interpreter of an environment with the wheel, and nothing that is judged."""
    base = uv.at_hand(request.param)
    if base is None:
        pytest.skip(f"no Python {request.param} is at hand")
    folder = tmp_path_factory.mktemp("lean") / "venv"
    pins = ("-c", str(ROOT / "constraints.txt"))
    return uv.plain_environment(folder, str(wheel), *pins, base=base)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The records of all of these environments: each judges the same interpreter."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """Another repository, with a suite of its own, whose warnings are errors."""
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "test_small.py").write_text(SMALL_SUITE, encoding="utf-8")
    table = (
        "[tool.pytest.ini_options]\nfilterwarnings = ['error']\n[tool.harness]\nscale = 'tiny'\n"
    )
    (tmp_path / "pyproject.toml").write_text(table, encoding="utf-8")
    return tmp_path


def run(python: Path, *arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a module, as `python -m`."""
    command = [str(python), "-m", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_versions_are_those_from_the_least_one() -> None:
    """None is left out between the first that can be installed and the last."""
    least = uv.project()["requires-python"].removeprefix(">=")
    assert [f"3.{minor}" for minor in range(int(least[2:]), int(VERSIONS[-1][2:]) + 1)] == VERSIONS


def test_another_repository_judges_another_interpreter(
    lean: Path, theirs: Path, store: Path
) -> None:
    """The plugin is found by its entry point, and a cell trains where the judged stack is.

    Whichever Python judges, the record is the same.
    """
    few = ("-k", "number_of_steps or labels", "-m", "not trials", f"--harness-store={store}")
    judged, fresh = f"--harness-python={sys.executable}", not (store / "records").exists()
    done = run(lean, "pytest", "suites", "-q", *few, judged, folder=theirs)
    assert done.returncode == 0, done.stdout
    source = "trained" if fresh else "store"
    assert re.search(rf"^glue/mrpc .* {source}$", done.stdout, re.MULTILINE)
    assert re.search(r"^\d+ passed", done.stdout, re.MULTILINE)
    assert (theirs / "reports" / "session.md").is_file()


@pytest.mark.parametrize(
    "command",
    [
        ("pytest", "suites", "-q", "-k", "test_number_of_steps"),
        ("harness.judge.cli", "plan", "imdb", "bert-base-uncased"),
        ("harness.judge.cli", "contracts", "suites"),
    ],
    ids=" ".join,
)
def test_an_interpreter_with_nothing_to_judge_says_what_to_install(
    lean: Path, theirs: Path, command: tuple[str, ...]
) -> None:
    """One line says what is missing, the next one the command; there is no frame of ours."""
    done = run(lean, *command, folder=theirs)
    printed = (done.stdout + done.stderr).splitlines()
    assert done.returncode != 0
    missing = f"{lean} cannot be judged: it has no torch, transformers, datasets"
    index = next(i for i, line in enumerate(printed) if missing in line)
    assert printed[index + 1].startswith(
        f"run {lean} -m pip install 'finetune-harness[judged]', or"
    )
    assert "Traceback" not in done.stdout + done.stderr


def test_the_judging_tower_loads_without_what_is_judged(lean: Path, theirs: Path) -> None:
    """Every module of it, and nothing that came along brings torch."""
    code = (
        "import importlib, importlib.util, pkgutil, harness\n"
        "assert importlib.util.find_spec('torch') is None\n"
        "for module in pkgutil.walk_packages(harness.__path__, 'harness.'):\n"
        "    if not module.name.startswith(('harness.worker', 'harness.judge.mutation.faults.')):\n"
        "        importlib.import_module(module.name)\n"
    )
    command = [str(lean), "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=theirs, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_extra_brings_what_is_judged(wheel: Path, lean: Path) -> None:
    """What it would install is resolved, and nothing is installed."""
    install = [*uv.UV, "pip", "install", "--dry-run", "--python", str(lean), *uv.links()]
    pins = ["-c", str(ROOT / "constraints.txt")]
    planned = subprocess.run(
        [*install, *pins, f"finetune-harness[judged] @ {wheel.as_uri()}"],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    for name in environment.REQUIRED:
        assert f" + {name}==" in planned
    assert "hypothesis" not in planned


@pytest.mark.network
def test_the_pins_are_built_for_the_newest_python() -> None:
    """Whether it is at hand or not: an index has each as a wheel that fits."""
    compile_pins = [*uv.UV, "pip", "compile", "--quiet", "--only-binary", ":all:"]
    where = ["--python-version", VERSIONS[-1], "--python-platform", "x86_64-manylinux_2_28"]
    wanted = ["pyproject.toml", "--extra", "test", "-c", "constraints.txt"]
    done = subprocess.run(
        [*compile_pins, *where, *wanted], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert uv.pinned("torch") in done.stdout

"""Environments: resolved to change as little as needed, made once, listed, pruned."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.core.errors import ResolutionError, SpecError
from harness.judge.cli import __main__
from harness.judge.runs.launcher import Launcher
from harness.judge.venvs import build, requirements
from harness.judge.venvs.build import Environments
from harness.judge.venvs.distributions import Distribution
from harness.judge.venvs.installer import Installer
from tests import uv, wheels
from tests.repositories import ROOT

RUNNING = Path(sys.executable)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Environments:
    """Environments in a folder of their own."""
    return Environments(folder=tmp_path_factory.mktemp("environments"))


def test_a_change_keeps_everything_else(made: Environments) -> None:
    """An older release is pinned as wanted; every other package stays as it is installed."""
    before = set(made.resolve(RUNNING, []))
    after = set(made.resolve(RUNNING, ["tqdm==4.67.1"]))
    assert {pin.partition("==")[0] for pin in before ^ after} == {"tqdm"}
    assert "tqdm==4.67.1" in after
    assert not any(pin.startswith(build.OURS) for pin in before)


def test_packages_of_an_interpreter_are_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a resolution, though the base may also be one of those that packages are taken from."""
    base = tmp_path / "base"
    subprocess.run([*uv.UV, "venv", "--quiet", str(base)], check=True)
    python = base / "bin" / "python"
    listed: list[Path] = []
    original = build.installed_in

    def installed_in(interpreter: Path) -> dict[str, Distribution]:
        listed.append(interpreter)
        return original(interpreter)

    monkeypatch.setattr(build, "installed_in", installed_in)
    givers = Environments(folder=tmp_path / "environments", givers=(python,))
    givers.resolve(python, ["tqdm==4.67.1"])
    assert listed == [python]


def test_an_environment_is_made_once(made: Environments, tmp_path: Path) -> None:
    """Pins that were installed before are not installed again; the interpreter has them."""
    base = tmp_path / "base"
    subprocess.run([*uv.UV, "venv", "--quiet", str(base)], check=True)
    pins = made.resolve(base / "bin" / "python", ["tqdm==4.67.1"])
    python = made.make(base / "bin" / "python", pins)
    command = [str(python), "-c", "import tqdm; print(tqdm.__version__)"]
    assert subprocess.check_output(command, text=True).strip() == "4.67.1"
    stamp = python.lstat().st_mtime_ns
    assert made.make(base / "bin" / "python", pins) == python
    assert python.lstat().st_mtime_ns == stamp
    assert [kept.pins for kept in made.kept() if kept.python == python] == [pins]


def test_a_changed_wheel_is_another_environment(made: Environments, tmp_path: Path) -> None:
    """A folder's content names its environment, not its path."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text('[project]\nname = "toy"\nversion = "1"\n')
    (project / "toy.py").write_text("ANSWER = 41\n")
    pins = [f"toy @ {requirements.line(str(project))}"]
    first = made.make(RUNNING, pins)
    (project / "toy.py").write_text("ANSWER = 42\n")
    second = made.make(RUNNING, pins)
    assert first != second
    command = [str(second), "-c", "import toy; print(toy.ANSWER)"]
    assert subprocess.check_output(command, text=True).strip() == "42"


def test_every_file_of_a_project_counts(tmp_path: Path) -> None:
    """A table, a source in C and data name another environment; what git ignores does not."""
    for name, text in {"pyproject.toml": "", "toy.c": "", "data/labels.json": "{}"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    pin = f"toy @ {requirements.line(str(tmp_path))}"
    for git in (False, True):
        if git:
            subprocess.run(["git", "init", "--quiet", tmp_path], check=True)  # noqa: S607 - whichever git there is
            (tmp_path / ".gitignore").write_text("out/\n", encoding="utf-8")
        contents = [requirements.content(pin)]
        for name in ("pyproject.toml", "toy.c", "data/labels.json"):
            with (tmp_path / name).open("a", encoding="utf-8") as file:
                file.write("\n")
            contents.append(requirements.content(pin))
        assert len(set(contents)) == len(contents)
        built = tmp_path / ("out" if git else "build") / "toy.o"
        built.parent.mkdir()
        built.write_text("", encoding="utf-8")
        assert requirements.content(pin) == contents[-1]


def test_byte_code_is_kept_where_it_is_ours(
    made: Environments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a user's shell says of byte code holds for the user's interpreters alone."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text('[project]\nname = "toy"\nversion = "1"\n')
    (project / "toy.py").write_text("ANSWER = 41\n")
    python = made.make(RUNNING, [f"toy @ {requirements.line(str(project))}"])
    with Launcher(python) as launcher:
        subprocess.run([str(python), "-c", "import toy"], env=launcher.environment, check=True)
    assert [*python.parent.parent.rglob("toy.*.pyc")]
    with Launcher(RUNNING) as launcher:
        assert launcher.environment["PYTHONDONTWRITEBYTECODE"] == "1"


def test_releases_between_two_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the direction given, both ends as they are installed: a range takes no +local."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    for version in ("1", "2", "2.1", "2.5", "3", "4"):
        wheels.small(tmp_path, "toy", version)
    where = Installer(arguments=("--find-links", str(tmp_path)))
    made = Environments(folder=tmp_path / "environments", installer=where)
    assert made.releases("toy", "2+cpu", "3") == ["2+cpu", "2.1", "2.5", "3"]
    assert made.releases("toy", "3+cpu", "2") == ["3+cpu", "2.5", "2.1", "2"]
    assert made.releases("toy", "2", "2") == ["2"]


def test_what_cannot_be_resolved_is_said_in_the_resolvers_words(made: Environments) -> None:
    """A release that does not exist leaves nothing behind."""
    with pytest.raises(ResolutionError, match=r"there is no version of tqdm==0\.0\.0"):
        made.resolve(RUNNING, ["tqdm==0.0.0"])


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("transformers=5.18.0", "neither a requirement nor a file"),
        ("tests", "is no project"),
        ("nope.txt", "there is no nope.txt"),
        ("../nowhere", "there is no ../nowhere"),
        ("tests/uv.py", "name suites with --suites"),
    ],
)
def test_nonsense_is_refused(written: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no requirement, file or project is named."""
    monkeypatch.chdir(ROOT)
    with pytest.raises(SpecError, match=message):
        requirements.line(written)


def test_the_unused_are_pruned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`harness environments --prune DAYS` removes what was not used, and lists the rest."""
    made = Environments(folder=tmp_path)
    for pins in (["tqdm==4.67.1"], ["filelock==3.20.0"]):
        made.make(RUNNING, pins)
    newest, oldest = made.kept()
    long_ago = time.time() - 30 * build.DAY
    killed, growing = tmp_path / ".killed", tmp_path / ".growing"
    for staged in (killed, growing):
        staged.mkdir()
    os.utime(killed, (long_ago, long_ago))
    os.utime(oldest.folder / build.MANIFEST, (long_ago, long_ago))
    assert __main__.main(["environments", "--environments", str(tmp_path), "--prune", "10"]) == 0
    printed = capsys.readouterr().out
    assert f"removed {oldest.folder}" in printed
    assert not oldest.folder.exists()
    assert not killed.exists()
    assert growing.exists()
    assert [kept.folder for kept in made.kept()] == [newest.folder]

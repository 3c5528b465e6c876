"""What nobody wants changed stays: taken from where it is, or had where pip finds it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from harness.judge.venvs.build import Environments
from harness.judge.venvs.distributions import Distribution, Site
from harness.judge.venvs.installer import Installer
from tests import pretended, wheels
from tests.conftest import SMALL_SUITE

CPU = {**pretended.VERSIONS, "torch": "2.13.0+cpu"}


class Desk:
    """Runs `harness gate` with a base that pretends, in an empty repository, without network."""

    def __init__(self, pytester: pytest.Pytester, folder: Path) -> None:
        """Keep environments below a folder."""
        pytester.makepyfile(test_small=SMALL_SUITE)
        self.pytester = pytester
        self.folder = folder

    def __call__(self, base: Path, *arguments: str) -> str:
        """What a gate writes that ends before a suite runs."""
        kept = ["--environments", str(self.folder), "--suites", "test_small.py"]
        answer = self.pytester.run("harness", "gate", "--base-python", base, *kept, *arguments)
        assert answer.ret == 3  # what pretends cannot be imported
        assert "Traceback" not in answer.stderr.str()
        return answer.stderr.str()

    def packages(self) -> dict[str, Distribution]:
        """What is installed in the one environment that was made."""
        (python,) = self.folder.glob("*/bin/python")
        return Site.of(python).distributions()


@pytest.fixture
def desk(pytester: pytest.Pytester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk where nothing says where packages come from."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_OFFLINE", "1")
    return Desk(pytester, tmp_path / "environments")


def environments(folder: Path, links: Path) -> Environments:
    """Environments below a folder, of wheels in another."""
    installer = Installer(arguments=("--find-links", str(links)))
    return Environments(folder=folder / "environments", installer=installer)


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder with wheels: a toy, and the next torch."""
    wheels.small(tmp_path / "wheels", "toy", "2")
    wheels.small(tmp_path / "wheels", "torch", "2.14.0")
    return tmp_path / "wheels"


def test_a_local_version_stays(desk: Desk, shelf: Path, tmp_path: Path) -> None:
    """A torch that no index has is taken along, though there is a newer one."""
    base = pretended.interpreter(tmp_path / "venv", CPU)
    written = desk(base, "toy", "--find-links", str(shelf))
    assert "toy: none -> 2\n" in written
    assert "torch: " not in written
    assert desk.packages()["torch"].version == "2.13.0+cpu"


def test_what_is_wanted_moves(desk: Desk, shelf: Path, tmp_path: Path) -> None:
    """The same torch is replaced where the user names it, and is named where it is dragged."""
    base = pretended.interpreter(tmp_path / "venv", CPU)
    assert "torch==2.14.0" in environments(tmp_path, shelf).resolve(base, ["torch>2.13"])
    wheels.small(shelf, "toy", "3", "torch>=2.14")
    wheels.small(shelf, "other", "1")
    written = desk(base, "other", "--base", "toy==3", "--find-links", str(shelf))
    assert "base: torch: 2.13.0+cpu -> 2.14.0 (no longer +cpu)  (dragged along)" in written


def test_what_is_nowhere_is_not_replaced(desk: Desk, shelf: Path, tmp_path: Path) -> None:
    """Files that work in their own place alone, as conda's, are not taken: the gate stops."""
    base = pretended.interpreter(tmp_path / "venv", CPU)
    (described,) = base.parent.parent.glob("lib/*/site-packages/torch-*.dist-info")
    (described / "INSTALLER").write_text("conda\n", encoding="ascii")
    written = desk(base, "toy", "--find-links", str(shelf))
    assert "harness: torch 2.13.0+cpu is at no index known here" in written
    assert "--find-links or --index" in written
    assert "torch==2.14.0" in environments(tmp_path, shelf).resolve(base, ["torch>2.13"])
    wheels.small(shelf, "torch", "2.13.0+cpu")
    assert "torch==2.13.0+cpu" in environments(tmp_path, shelf).resolve(base, ["toy"])


@pytest.mark.parametrize("place", ["variable", "file"])
def test_pip_says_where_packages_are(
    desk: Desk, shelf: Path, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that pip's variables or configuration name is looked in; passwords are not shown."""
    index = "https://somebody:verysecretvalue@localhost:9/simple"
    if place == "variable":
        monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
        monkeypatch.setenv("PIP_EXTRA_INDEX_URL", index)
    else:
        configuration = tmp_path / "pip.conf"
        text = f"[global]\nextra-index-url = {index}\n[install]\nfind-links = {shelf}\n"
        configuration.write_text(text, encoding="utf-8")
        monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
    base = pretended.interpreter(tmp_path / "venv", CPU)
    written = desk(base, "toy")
    assert "toy: none -> 2\n" in written
    assert "verysecretvalue" not in written
    if place == "file":
        missing = desk(base, "nothing==3")
        assert "nothing==3" in missing
        assert "verysecretvalue" not in missing


def test_files_are_those_of_the_base(tmp_path: Path) -> None:
    """An edit comes along, unless the package is named; a script runs beside its interpreter."""
    base = pretended.interpreter(tmp_path / "venv", {"toy": "1"})
    (library,) = base.parent.parent.glob("lib/*/site-packages")
    script = base.parent / "toy"
    script.write_text(f"#!{base}\nimport sys, toy\nprint(sys.prefix)\n", encoding="utf-8")
    script.chmod(0o755)
    with (library / "toy-1.dist-info" / "RECORD").open("a", encoding="utf-8") as record:
        record.write("../../../bin/toy,,\n")
    subprocess.run([base, "-m", "compileall", "-q", library / "toy"], check=True)
    made = Environments(folder=tmp_path / "environments")
    pins = ("toy==1",)
    first = made.make(base, pins)
    assert made.make(base, pins) == first
    printed = subprocess.check_output([first.parent / "toy"], text=True)
    assert Path(printed.strip()) == first.parent.parent
    assert [*first.parent.parent.glob("lib/*/site-packages/toy/__pycache__/__init__.*.pyc")]
    (library / "toy" / "__init__.py").write_text("ANSWER = 42\n", encoding="utf-8")
    second = made.make(base, pins)
    assert second != first
    shown = [str(second), "-c", "import toy; print(toy.ANSWER)"]
    assert subprocess.check_output(shown, text=True) == "42\n"
    (copied,) = second.parent.parent.glob("lib/*/site-packages/toy/__init__.py")
    copied.write_text("ANSWER = 43\n", encoding="utf-8")
    assert (library / "toy" / "__init__.py").read_text(encoding="utf-8") == "ANSWER = 42\n"


def test_an_editable_project_stays_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not built again: the new environment reads the same folder."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    base = pretended.interpreter(tmp_path / "venv", {"toy": "1"})
    (library,) = base.parent.parent.glob("lib/*/site-packages")
    (library / "toy").rename(tmp_path / "toy")
    (library / "_toy.pth").write_text(f"{tmp_path}\n", encoding="utf-8")
    described = library / "toy-1.dist-info"
    source = {"url": (tmp_path / "gone").as_uri(), "dir_info": {"editable": True}}
    (described / "direct_url.json").write_text(json.dumps(source), encoding="utf-8")
    rows = [f"{described.name}/{name},," for name in ("METADATA", "direct_url.json", "RECORD")]
    (described / "RECORD").write_text("\n".join(["_toy.pth,,", *rows, ""]), encoding="utf-8")
    made = Environments(folder=tmp_path / "environments")
    pins = made.resolve(base, [])
    assert pins == ("toy==1",)
    shown = [str(made.make(base, pins)), "-c", "import toy; print(toy.__file__)"]
    assert subprocess.check_output(shown, text=True).strip() == str(tmp_path / "toy/__init__.py")


def test_a_candidates_release_is_taken_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attribution mixes both sides, though what they have is at no index."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    base, candidate = (
        pretended.interpreter(tmp_path / build, {"torch": f"2.13.0+{build}", "toy": version})
        for build, version in (("cpu", "1"), ("cu128", "2"))
    )
    made = Environments(folder=tmp_path / "environments", givers=(candidate,))
    pins = made.resolve(base, ["torch==2.13.0+cu128"])
    assert set(pins) == {"torch==2.13.0+cu128", "toy==1"}
    installed = Site.of(made.make(base, pins)).distributions()
    assert installed["torch"].version == "2.13.0+cu128"

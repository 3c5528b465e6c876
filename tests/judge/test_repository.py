"""Records and reports belong to the repository that holds the suites, wherever one stands."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.judge import repository
from tests.conftest import SMALL_SUITE
from tests.judge.cli.test_commands import harness

Mark = Callable[[Path], object]


def made(folder: Path) -> Path:
    """A folder in a parent that has another project's pytest settings."""
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    root = folder / "theirs"
    (root / "suites" / "deeper").mkdir(parents=True)
    (root / "elsewhere").mkdir()
    return root


@pytest.mark.parametrize(
    "mark",
    [
        lambda root: (root / ".git").mkdir(),
        lambda root: (root / "pytest.ini").touch(),
        lambda root: (root / "tox.ini").write_text("[pytest]\n"),
        lambda root: (root / "pyproject.toml").write_text("[tool.harness]\n"),
    ],
    ids=["git", "pytest.ini", "tox.ini", "pyproject.toml"],
)
@pytest.mark.parametrize(
    ("arguments", "folder"),
    [
        (["suites"], "."),
        (["suites/deeper/test_x.py::TestX", "suites"], "."),
        ([], "suites/deeper"),
        (["../suites"], "elsewhere"),
        (["theirs/suites/"], ".."),
        ([], "elsewhere"),
    ],
)
def test_a_marked_repository_is_found(
    tmp_path: Path, mark: Mark, arguments: list[str], folder: str
) -> None:
    """From its root, from a folder below it, and from its parent, which is another's."""
    root = made(tmp_path)
    mark(root)
    assert repository.holding(arguments, (root / folder).resolve()) == root


@pytest.mark.parametrize(
    ("arguments", "folder", "expected"),
    [
        (["suites"], ".", "."),
        ([], "suites", "."),
        (["../suites"], "elsewhere", "."),
        (["ROOT/suites/deeper"], "/", "."),
        (["test_x.py"], "elsewhere", "elsewhere"),
        (["ROOT/elsewhere"], "/", "elsewhere"),
        ([], ".", "."),
        (["deeper"], "suites/deeper/..", "."),
    ],
)
def test_without_a_mark_it_is_where_the_suites_lie(
    tmp_path: Path, arguments: list[str], folder: str, expected: str
) -> None:
    """Beside `suites`, else in the working directory, else with the tests themselves."""
    root = made(tmp_path)
    (tmp_path / "pytest.ini").unlink()
    given = [argument.replace("ROOT", str(root)) for argument in arguments]
    assert repository.holding(given, (root / folder).resolve()) == (root / expected).resolve()


@pytest.mark.parametrize("folder", [".", "suites", ".."])
def test_pytest_and_the_command_line_agree(tmp_path: Path, folder: str) -> None:
    """Both leave their folders beside `suites`, and git sees neither."""
    root = made(tmp_path)
    subprocess.run(["git", "init", "--quiet", root], check=True)  # noqa: S607 - whichever git there is
    (root / "suites" / "test_small.py").write_text(SMALL_SUITE, encoding="utf-8")
    started = (root / folder).resolve()
    command = [sys.executable, "-m", "pytest", "-q", "--harness-stored", "-p", "no:cacheprovider"]
    subprocess.run([*command, root / "suites"], cwd=started, check=False)
    assert (root / "reports" / "session.md").is_file()
    assert (root / ".harness" / "fingerprints.json").is_file()
    (root / "reports" / "session.md").unlink()
    assert harness("report", str(root / "suites"), folder=started).returncode == 5
    assert (root / "reports" / "session.md").is_file()
    for place in (tmp_path, root / "elsewhere", root / "suites"):
        assert not {".harness", "reports"} & {path.name for path in place.iterdir()}
    seen = ["git", "-C", str(root), "status", "--porcelain", "--untracked-files=all"]
    assert not re.search(r"harness|reports", subprocess.check_output(seen, text=True))


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    """Reports in a folder of the user's do not hide the user's files from git."""
    repository.unversioned(tmp_path)
    assert [*tmp_path.iterdir()] == []

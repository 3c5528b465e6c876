"""Imported files: those a function depends on are known without running it."""

from pathlib import Path

import pytest

from harness.core.errors import SourceError
from harness.judge.runs.imported_files import files_of

FILES = {
    "made.py": "import team.words\nimport json, absent\n\ndef make(): ...\n",
    "team/__init__.py": "",
    "team/words.py": "from . import lists\nfrom .deep.down import bottom\n",
    "team/lists.py": "def later():\n    from other import thing\n",
    "team/deep/__init__.py": "from .. import shared\n",
    "team/deep/down.py": "def broken(:\n",
    "team/shared.py": "from team.words import x\n",
    "other.py": "",
    "unrelated.py": "",
}


def write(root: Path) -> None:
    """Write all files below a root."""
    for name, code in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(code, encoding="utf-8")


@pytest.mark.parametrize(
    ("reference", "left_out"),
    [
        ("made:make", {"unrelated.py"}),
        ("team.words:make", {"made.py", "unrelated.py"}),
        ("other:thing.method", set(FILES) - {"other.py"}),
    ],
)
def test_imports_are_followed(tmp_path: Path, reference: str, left_out: set[str]) -> None:
    """Relative ones, those inside functions, packages on the way, circles, and broken files."""
    write(tmp_path)
    files = {path.relative_to(tmp_path).as_posix() for path in files_of(reference, tmp_path)}
    assert files == set(FILES) - left_out


@pytest.mark.parametrize("reference", ["absent:make", "json:loads", "team.absent:make"])
def test_what_lies_elsewhere_is_refused(tmp_path: Path, reference: str) -> None:
    """What is installed, or in a folder that only PYTHONPATH names, could change unseen."""
    write(tmp_path)
    with pytest.raises(SourceError, match=f"{reference} is in no file below"):
        files_of(reference, tmp_path)

"""Imported files: those a function depends on are known without running it."""

from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("reference", "left_out"),
    [
        ("made:make", {"unrelated.py"}),
        ("team.words:make", {"made.py", "unrelated.py"}),
        ("other:thing.method", set(FILES) - {"other.py"}),
        ("absent:make", set(FILES)),
    ],
)
def test_imports_are_followed(tmp_path: Path, reference: str, left_out: set[str]) -> None:
    """Relative ones, those inside functions, packages on the way, circles, and broken files."""
    for name, code in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(code, encoding="utf-8")
    files = {path.relative_to(tmp_path).as_posix() for path in files_of(reference, tmp_path)}
    assert files == set(FILES) - left_out

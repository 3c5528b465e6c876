"""Sealed folders: the same bytes wherever they are packed, and nothing half or strange unpacked."""

import io
import json
import os
import zipfile
from pathlib import Path

import pytest

from harness.judge.store import sealed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sealed folder with a file in a folder of its own."""
    made = tmp_path / "made"
    (made / "arrays").mkdir(parents=True)
    (made / "record.json").write_text("{}", encoding="ascii")
    (made / "arrays" / "rows.npy").write_bytes(bytes(range(256)) * 40)
    sealed.seal(made)
    return made


def packed(**files: str) -> bytes:
    """A zip of some files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def test_what_is_packed_comes_back(folder: Path, tmp_path: Path) -> None:
    """Every file, in its place, and the manifest with the moment that it was sealed."""
    sealed.fill(tmp_path / "back", sealed.unpack(sealed.pack(folder)))
    sealed.check(tmp_path / "back")
    for path in ("record.json", "arrays/rows.npy", sealed.MANIFEST):
        assert (tmp_path / "back" / path).read_bytes() == (folder / path).read_bytes()


def test_packing_depends_on_contents_alone(folder: Path, tmp_path: Path) -> None:
    """Other time stamps, permissions and an order of their own make no other object."""
    sealed.fill(tmp_path / "back", dict(reversed(sealed.unpack(sealed.pack(folder)).items())))
    os.utime(tmp_path / "back" / "record.json", (0, 0))
    (tmp_path / "back" / "record.json").chmod(0o600)
    assert sealed.pack(tmp_path / "back") == sealed.pack(folder)


def test_a_changed_folder_is_not_packed(folder: Path) -> None:
    """Damage is not spread."""
    (folder / "record.json").write_text("{ }", encoding="ascii")
    with pytest.raises(ValueError, match=r"record\.json has changed"):
        sealed.pack(folder)


def test_a_part_is_not_unpacked(folder: Path) -> None:
    """However much of an object there is, less than all is nothing."""
    whole = sealed.pack(folder)
    for length in range(0, len(whole), 7):
        with pytest.raises(ValueError, match=r"."):
            sealed.unpack(whole[:length])


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"record.json": "{}"},
        {"manifest.json": "[]"},
        {"manifest.json": '{"version": 1, "files": ["a"]}', "a": ""},
        {"manifest.json": '{"version": 1, "files": {"a": "0"}}'},
        {"manifest.json": '{"version": 1, "files": {}}', "beside": ""},
    ],
)
def test_what_no_manifest_describes_is_not_unpacked(files: dict[str, str]) -> None:
    """No manifest, a strange one, a missing file, or one too many."""
    with pytest.raises(ValueError, match=r"."):
        sealed.unpack(packed(**files))


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside", "a//b", "."])
def test_nothing_is_unpacked_outside(name: str) -> None:
    """Names that lead elsewhere are refused, though their digests hold."""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    manifest = json.dumps({"version": 1, "files": {name: empty}})
    with pytest.raises(ValueError, match="is outside its folder"):
        sealed.unpack(packed(**{"manifest.json": manifest, name: ""}))


@pytest.mark.parametrize(
    ("path", "may"),
    [
        ("records/a/b/0", True),
        ("sessions/2026-10-06/0f3a", True),
        ("records/a/b", False),
        ("records/../b/0", False),
        ("sessions//0f3a", False),
        ("incoming/a", False),
    ],
)
def test_paths_have_a_kind_and_its_depth(path: str, *, may: bool) -> None:
    """Anything else at a shared address is nobody's record."""
    assert sealed.is_path(path) is may

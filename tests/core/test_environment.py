"""The environment key: every edited file, version, device, thread count and flag makes another."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.core import environment, redaction
from tests.repositories import ROOT


def describe(path: Path, cache: Path, **variables: str) -> dict[str, Any]:
    """The description of this interpreter with a folder first on its path."""
    answer = subprocess.run(
        [sys.executable, "-m", "harness.core.environment", str(cache)],
        env={**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}", **variables},
        cwd=path,
        capture_output=True,
        text=True,
        check=True,
    )
    description: dict[str, Any] = json.loads(answer.stdout)
    return description


def key(description: dict[str, Any]) -> str:
    """The key on a CPU with one thread."""
    return environment.key(description, device="cpu", threads=1)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree that shadows an installed package, as an editable install would."""
    package = tmp_path / "tree" / "evaluate"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("VALUE = 1\n", encoding="ascii")
    return package.parent


def test_the_same_twice_is_the_same(tree: Path, tmp_path: Path) -> None:
    """A second description, answered from the cache of digests, has the same key."""
    cache = tmp_path / "cache.json"
    assert key(describe(tree, cache)) == key(describe(tree, cache))


def test_an_edited_file_is_another_environment(tree: Path, tmp_path: Path) -> None:
    """Even with the same size and modification time, and with a warm cache."""
    cache, path = tmp_path / "cache.json", tree / "evaluate" / "__init__.py"
    before, stat = describe(tree, cache), path.stat()
    path.write_text("VALUE = 2\n", encoding="ascii")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    after = describe(tree, cache)
    assert path.stat().st_size == stat.st_size
    assert key(before) != key(after)
    assert before["files"]["torch"] == after["files"]["torch"]


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of our own package, to be edited."""
    package = tmp_path_factory.mktemp("copy") / "harness"
    shutil.copytree(ROOT / "harness", package, ignore=shutil.ignore_patterns("__pycache__"))
    return package


def test_every_file_that_a_worker_may_load_counts() -> None:
    """Those of `core/` and `worker/`, whatever their kind, and no other of ours."""
    package = ROOT / "harness"
    rooms = (path for room in ("core", "worker") for path in (package / room).rglob("*"))
    expected = {path for path in rooms if path.is_file() and "__pycache__" not in path.parts}
    assert {Path(file) for file in environment.tower_files(package)} == expected
    assert {package / "core" / "record.py", package / "worker" / "__main__.py"} < expected


@pytest.mark.parametrize("file", ["core/digest.py", "worker/loops/trainer.py", "worker/new.json"])
def test_our_own_edited_worker_is_another_environment(
    ours: Path, tmp_path: Path, file: str
) -> None:
    """A store never answers for a worker that it did not come from."""
    cache = tmp_path / "cache.json"
    before = key(describe(ours.parent, cache))
    with (ours / file).open("a", encoding="utf-8") as edited:
        edited.write("\n")
    assert key(describe(ours.parent, cache)) != before


def test_our_own_edited_judge_is_the_same_environment(ours: Path, tmp_path: Path) -> None:
    """Editing what no worker can load retrains nothing."""
    before = key(describe(ours.parent, tmp_path / "cache.json"))
    for path in (ours / "judge").rglob("*.*"):
        if path.is_file():
            path.write_bytes(path.read_bytes() + b"\n")
    assert key(describe(ours.parent, tmp_path / "cache.json")) == before


def test_a_patch_at_startup_is_another_environment(tree: Path, tmp_path: Path) -> None:
    """A sitecustomize that could patch anything counts as a file of the environment."""
    before = describe(tree, tmp_path / "cache.json")
    (tree / "sitecustomize.py").write_text("import math\n", encoding="ascii")
    assert key(before) != key(describe(tree, tmp_path / "cache.json"))


def test_a_flag_is_another_environment(tree: Path, tmp_path: Path) -> None:
    """Variables that change numerics count, others do not."""
    plain = describe(tree, tmp_path / "cache.json")
    other = describe(tree, tmp_path / "cache.json", LANG="C")
    flagged = describe(tree, tmp_path / "cache.json", OMP_NUM_THREADS="1")
    assert key(plain) == key(other)
    assert key(plain) != key(flagged)


@pytest.mark.parametrize(
    "change",
    [
        {"packages": {"transformers": "0"}},
        {"python": "3.0"},
        {"cpu": {"model": "another"}},
        {"accelerator": {"devices": ["another"]}},
    ],
)
def test_everything_described_counts(change: dict[str, Any]) -> None:
    """A version, an interpreter or a device more makes another key."""
    description = {
        "packages": {},
        "python": "3.11",
        "cpu": {},
        "accelerator": {},
        "executable": "a",
    }
    assert key(description) != key(description | change)
    assert key(description) == key(description | {"executable": "b"})


def test_device_and_threads_count() -> None:
    """Results depend on both."""
    keys = {
        environment.key({}, device=device, threads=threads)
        for device in ("cpu", "cuda")
        for threads in (1, 2)
    }
    assert len(keys) == 4


def test_a_damaged_cache_is_forgotten(tree: Path, tmp_path: Path) -> None:
    """The cache only saves time."""
    cache = tmp_path / "cache.json"
    expected = key(describe(tree, cache))
    written = json.loads(cache.read_text(encoding="utf-8"))
    odd = json.dumps({root: [[], 3] for root in written})
    for garbage in ("{", "[]", "3", "null", '{"x": 3}', odd, "[" * 100_000):
        cache.write_text(garbage, encoding="ascii")
        assert key(describe(tree, cache)) == expected


def test_nothing_secret_is_told(tree: Path, tmp_path: Path) -> None:
    """A flag whose name says that it is secret is hidden."""
    description = describe(tree, tmp_path / "cache.json", CUDA_API_KEY="hunter2hunter2")
    assert "hunter2hunter2" not in json.dumps(description)
    assert description["flags"]["CUDA_API_KEY"] == redaction.HIDDEN

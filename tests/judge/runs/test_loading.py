"""Loading: the bytes that were read decide, whatever their form, and so does the user's code."""

import os
import shutil
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.core.dataset import Dataset
from harness.core.errors import HarnessError, MissingSourceError, SourceError
from harness.core.recipe import Recipe
from harness.judge.cell import Cell
from harness.judge.runs.inputs import Inputs
from harness.judge.runs.loading import Loading
from harness.judge.runs.runner import Runner
from harness.judge.settings import Settings
from tests.worker.test_load import WRITERS, write_csv


def key_of(dataset: Dataset, root: Path) -> str:
    """What the tables of a data set are known by."""
    return Loading.of(dataset, root, limits={}, hub=False).key


@pytest.mark.parametrize("write", WRITERS)
def test_every_byte_decides(write: Callable[[Path], Mapping[str, Any]], tmp_path: Path) -> None:
    """A byte that is another makes other tables, in any file; a time stamp does not."""
    dataset = Dataset(**{**write(tmp_path / "data"), "texts": "text"})
    files = Loading.of(dataset, tmp_path, limits={}, hub=False).job.files
    key = key_of(dataset, tmp_path)
    assert all(files.values()) or dataset.is_code
    for file in (Path(file) for part in files.values() for file in part):
        os.utime(file, (1, 1))
        assert key_of(dataset, tmp_path) == key
        content = file.read_bytes()
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        assert key_of(dataset, tmp_path) != key
        file.write_bytes(content)
        assert key_of(dataset, tmp_path) == key


def test_declaration_decides(tmp_path: Path) -> None:
    """So do the columns and names that are declared; the place of the repository does not."""
    write_csv(tmp_path / "data")
    dataset = Dataset(path="data.csv", texts="text")
    keys = {
        key_of(Dataset(path="data.csv", texts="text", **declared), tmp_path)
        for declared in ({}, {"label": "text"}, {"label_names": ("calm",)}, {"incomplete": "drop"})
    }
    assert len(keys) == 4
    shutil.copytree(tmp_path, tmp_path / "moved")
    assert key_of(dataset, tmp_path / "moved") == key_of(dataset, tmp_path)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"path": "dta.csv"}, "there is no {root}/dta.csv\nits folder has data.csv"),
        ({"path": "elsewhere/data.csv"}, "there is no {root}/elsewhere/data.csv"),
        ({"path": "empty"}, "{root}/empty has no files"),
        ({"path": "csv"}, "csv reads no file by itself\nadd data_files"),
        ({"path": "csv", "data_files": "*.tsv"}, "no file matches {root}/*.tsv"),
        ({"path": "csv", "data_files": "empty"}, "it is a folder\ncorrect data_files"),
        ({"path": "folder", "data_files": "../data.csv"}, "is outside {root}/folder"),
        ({"path": "data.csv", "data_files": "data.csv"}, "data.csv is a file, and data_files"),
    ],
)
def test_files_that_are_not_there(tmp_path: Path, declared: dict[str, Any], message: str) -> None:
    """A path that leads nowhere is an error, with what lies near it."""
    write_csv(tmp_path / "data")
    for name in ("empty", "folder"):
        (tmp_path / name).mkdir()
    write_csv(tmp_path / "folder" / "data")
    with pytest.raises(SourceError) as refused:
        key_of(Dataset(**{"texts": "text", **declared}), tmp_path)
    assert message.replace("{root}", str(tmp_path)) in refused.value.text


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the Hub, and no network."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def test_repository_of_the_hub(cache: Path, tmp_path: Path) -> None:
    """A snapshot that an earlier download left will do, offline; its revision is asked for."""
    dataset = Dataset(path="team/tickets", texts="text", revision="v2")
    with pytest.raises(MissingSourceError, match="data set 'team/tickets' was not found"):
        key_of(dataset, tmp_path)
    snapshot = cache / "datasets--team--tickets" / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "v2").write_text("a" * 40, encoding="ascii")
    write_csv(snapshot / "data")
    loading = Loading.of(dataset, tmp_path, limits={}, hub=False)
    assert loading.job.files[""] == (str(snapshot / "data.csv"),)
    assert loading.origin == "team/tickets"


@pytest.fixture
def fresh(runner: Runner, tmp_path: Path) -> Callable[[Dataset], Inputs]:
    """Asks for a data set's tables as a session of its own does, with a warm worker."""

    def find(dataset: Dataset) -> Inputs:
        session = Runner(
            settings=Settings(store=tmp_path / "store", timeout=60.0), session=uuid.uuid4().hex
        )
        own, session.launcher = session.launcher, runner.launcher
        own.close()
        session.inputs.environment = lambda: "e" * 64
        recipe = Recipe(dataset=dataset)
        cell = Cell.of(name="x", recipe=recipe, scale="tiny", device="cpu", root=tmp_path)
        return session.inputs.find(cell)

    return find


HELPED = (
    "import datasets\nfrom helpers import words\n\ndef rows(files={}):\n    return words.rows()\n"
)
WORDS = (
    "import datasets\n\ndef rows():\n    return datasets.Dataset.from_dict"
    "({'text': ['a', 'b', 'c', 'd'], 'label': [0, 1, 0, 1]})\n"
)


def test_code_decides(tmp_path: Path, fresh: Callable[[Dataset], Inputs]) -> None:
    """Rows of declared files are read once, until a module that made them is edited."""
    calls = tmp_path / "calls"
    (tmp_path / "helpers").mkdir()
    counted = WORDS.replace("    return", f"    open({str(calls)!r}, 'a').write('x')\n    return")
    (tmp_path / "helpers" / "words.py").write_text(counted, encoding="utf-8")
    (tmp_path / "made.py").write_text(HELPED, encoding="utf-8")
    (tmp_path / "data.bin").write_bytes(b"anything")
    dataset = Dataset(path="made:rows", data_files="data.bin", texts="text")
    first, again = fresh(dataset), fresh(dataset)
    assert first.tables.files == again.tables.files
    assert calls.read_text(encoding="ascii") == "x"
    for edited in ("made.py", "helpers/words.py"):
        with (tmp_path / edited).open("a", encoding="utf-8") as file:
            file.write("# edited\n")
        before = len(calls.read_text(encoding="ascii"))
        edition = fresh(dataset)
        assert len(calls.read_text(encoding="ascii")) == before + 1
        assert edition.digests() == first.digests()  # the rows are the same: nothing trains anew


def test_unknown_files_are_read_every_session(
    tmp_path: Path, fresh: Callable[[Dataset], Inputs]
) -> None:
    """Whatever a function without data_files reads, its rows are those of today."""
    code = WORDS.replace("['a'", "[open('{}').read()".format(tmp_path / "today"))
    (tmp_path / "made.py").write_text(code, encoding="utf-8")
    (tmp_path / "today").write_text("monday", encoding="utf-8")
    dataset = Dataset(path="made:rows", texts="text")
    monday = fresh(dataset)
    assert fresh(dataset).digests() == monday.digests()
    (tmp_path / "today").write_text("tuesday", encoding="utf-8")
    assert fresh(dataset).digests() != monday.digests()


def test_refusal_leaves_nothing(tmp_path: Path, fresh: Callable[[Dataset], Inputs]) -> None:
    """A data set that is refused leaves no table and no staged folder."""
    write_csv(tmp_path / "data")
    with pytest.raises(HarnessError, match=r"data\.csv has no column 'queue'"):
        fresh(Dataset(path="data.csv", texts="text", label="queue"))
    left = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert {path.parent.name for path in left} <= {"store", "locks"}

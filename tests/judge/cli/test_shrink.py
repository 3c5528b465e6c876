"""`harness shrink`: a stand-in that is written, committed, and used as it is."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.judge.runs.sources import embedded
from tests import tickets

ROBERTA = '{"model_type": "roberta"}'


def shrink(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "harness.judge.cli", "shrink", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_stand_in_is_written_to_commit(tmp_path: Path) -> None:
    """A checkpoint whose tokenizer knows the rows' words; what differs, and how to use it."""
    tickets.write(tmp_path / "data" / "tickets.csv", rows=200)
    done = shrink(tmp_path, ROBERTA, "--out=models/tiny", "--data=data/tickets.csv")
    assert done.returncode == 0, done.stderr
    difference, usage = done.stdout.splitlines()
    assert "its weights are random" in difference
    assert usage == "commit it, and use it as Model(path='models/tiny')"
    written = tmp_path / "models" / "tiny"
    tokenizer: Any = json.loads((written / "tokenizer.json").read_text("utf-8"))
    assert "Ġinvoice" in tokenizer["model"]["vocab"]
    assert (written / "model.safetensors").stat().st_size < 1_000_000


def test_a_small_vocabulary_is_kept(tmp_path: Path) -> None:
    """An original's own tokenizer needs no rows where it is small."""
    original = embedded() / "models" / "bert-base-uncased"
    done = shrink(tmp_path, str(original), "--out=tiny")
    assert done.returncode == 0, done.stderr
    vocabularies = [
        json.loads((folder / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]
        for folder in (original, tmp_path / "tiny")
    ]
    assert vocabularies[0] == vocabularies[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((ROBERTA, "--out=tiny"), "a tokenizer of 'roberta' has no vocabulary"),
        (('{"model_type": }', "--out=tiny"), "is no JSON"),
        (("bert-base-uncasd", "--out=tiny"), "did you mean 'bert-base-uncased'"),
        ((ROBERTA, "--out=."), "is there already"),
        ((ROBERTA, "--out=tiny", "--data=nothing.csv"), "nothing.csv"),
        ((ROBERTA, "--out=tiny", "--task=guessing"), "guessing"),
    ],
)
def test_what_means_nothing_is_refused(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    """One error, and nothing is left behind."""
    done = shrink(tmp_path, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "tiny").exists()

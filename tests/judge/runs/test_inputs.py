"""Inputs: every byte of the model's folder and of its tokenizer's is in the key."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.judge.cell import Cell
from harness.judge.runs.sources import Sources
from tests.ready import inputs_of


@pytest.mark.parametrize("edited", ["model/model.safetensors", "tokenizer/tokenizer.json"])
def test_model_and_tokenizer_decide_apart(small_cell: Cell, tmp_path: Path, edited: str) -> None:
    """Files of one name in both folders are two files."""
    for folder in ("model", "tokenizer"):
        (tmp_path / folder).mkdir()
        for name in ("config.json", "model.safetensors", "tokenizer.json"):
            (tmp_path / folder / name).write_text(f"{folder} {name}", encoding="utf-8")
    inputs = replace(
        inputs_of(Sources(hub=False), small_cell),
        model=tmp_path / "model",
        tokenizer=tmp_path / "tokenizer",
    )
    before = inputs.digests()
    (tmp_path / edited).write_text("edited", encoding="utf-8")
    after = inputs.digests()
    assert after.pop("model") != before.pop("model")
    assert after == before

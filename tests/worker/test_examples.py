"""Examples: made by a user's function, or out of a stream, they are what is trained on."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import SourceError
from harness.judge.cell import Cell
from harness.judge.invariants.reliance import unobservable
from harness.judge.runs.runner import Runner
from tests.conftest import changed

OWN = """
from marks import MARK

def make(rows, tokenizer, max_length):
    texts = [f"{MARK} {a} {b}" for a, b in zip(rows["sentence1"], rows["sentence2"])]
    return tokenizer(texts, truncation=True, max_length=max_length)

def raises(rows, tokenizer, max_length):
    raise KeyError("a")

def short(rows, tokenizer, max_length):
    return {name: values[1:] for name, values in make(rows, tokenizer, max_length).items()}

def other(rows, tokenizer, max_length):
    return [1]
"""


@pytest.fixture
def tokenized(small_cell: Cell, tmp_path: Path) -> Callable[[str], Cell]:
    """A cell of a repository whose own function tokenizes."""
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    (tmp_path / "marks.py").write_text("MARK = 'the'\n", encoding="utf-8")

    def cell(reference: str) -> Cell:
        shorter: dict[str, Any] = {"num_train_epochs": 1.0, "tokenize": reference}
        return replace(changed(small_cell, **shorter), root=tmp_path)

    return cell


def test_own_tokens_are_trained_on(
    runner: Runner, tokenized: Callable[[str], Cell], small_cell: Cell, tmp_path: Path
) -> None:
    """They are what the function made of the rows; an edit of what it imports is another run."""
    cell = tokenized("own:make")
    first = runner.run(cell)
    for example in first.record.examples:
        assert example.decoded[0].startswith("the ")
    assert unobservable("test_token_types_separate_sentences", cell.recipe) == (
        "not observable: tokenize is set"
    )
    assert unobservable("test_token_types_separate_sentences", small_cell.recipe) == ""
    assert runner.inputs.find(cell).digests() != runner.inputs.find(small_cell).digests()
    before = runner.inputs.find(cell).digests()
    (tmp_path / "marks.py").write_text("MARK = 'a'\n", encoding="utf-8")
    assert runner.inputs.find(cell).digests() != before


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("own:raises", "own:raises raised an exception\nKeyError: 'a' (own.py, line 9)"),
        ("own:short", "own:short returns 99 input_ids for 100 rows"),
        ("own:other", "own:other returns a list without input_ids"),
        ("own:absent", "own:absent cannot be imported"),
    ],
)
def test_functions_that_make_no_examples(
    runner: Runner, tokenized: Callable[[str], Cell], reference: str, message: str
) -> None:
    """They are refused by their name, and by the user's line that raised."""
    with pytest.raises(SourceError) as refused:
        runner.run(tokenized(reference))
    assert message in refused.value.text


def test_stream_is_read_in_its_order(runner: Runner, small_cell: Cell) -> None:
    """Examples come as they lie there, for as many steps as are wanted; a shuffled run's do not."""
    steps: dict[str, Any] = {"eval_strategy": "steps", "eval_steps": 6, "save_strategy": "steps"}
    steps |= {"save_steps": 6, "max_steps": 6}
    streamed = runner.run(changed(small_cell, streaming=True, **steps)).record
    drawn = runner.run(changed(small_cell, **steps)).record
    known = streamed.arrays["split.train.rows"].tolist()[: 6 * 8]
    assert streamed.arrays["train.rows"].tolist() == known
    assert drawn.arrays["train.rows"].tolist() != known
    assert len(streamed.steps) == 6
    for name in ("test_every_epoch_is_shuffled", "test_every_example_once_an_epoch"):
        assert unobservable(name, streamed.recipe) == "not observable: streaming is set"
    assert unobservable("test_number_of_steps", streamed.recipe) == ""

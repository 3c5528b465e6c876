"""Features: words' labels stand at their first tokens, and blocks hold every token once."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from harness.core.dataset import Task
from harness.core.errors import SourceError
from harness.worker.features import (
    CausalCollator,
    Tokenize,
    TokenizeBlocks,
    TokenizeOwn,
    TokenizeWords,
)
from harness.worker.objective import IGNORED
from tests.repositories import ROOT

SENTENCES = st.lists(st.sampled_from(["the", "film", "unbelievable", "x", "was"]), min_size=1)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """Of a stand-in."""
    return AutoTokenizer.from_pretrained(ROOT / "fixtures" / "models" / "bert-base-uncased")


@settings(deadline=None, max_examples=40)
@given(sentence=SENTENCES)
def test_a_word_has_its_label_at_its_first_token(tokenizer: Any, sentence: list[str]) -> None:
    """Once each, in their order; its other tokens and the special ones are ignored."""
    tags = list(range(len(sentence)))
    features = TokenizeWords(tokenizer, ("words",), 512)({"words": [sentence], "tags": [tags]})
    labels, ids = features["labels"][0], features["input_ids"][0]
    assert len(labels) == len(ids)
    assert [label for label in labels if label != IGNORED] == tags
    starts = [index for index, label in enumerate(labels) if label != IGNORED]
    for start, end, word in zip(starts, [*starts[1:], len(ids) - 1], sentence, strict=True):
        assert tokenizer.decode(ids[start:end]).replace(" ", "") == word


def test_words_that_are_cut_off_have_no_label(tokenizer: Any) -> None:
    """Of a row that is too long, the words that are left have theirs."""
    sentence, tags = ["film"] * 10, list(range(10))
    features = TokenizeWords(tokenizer, ("words",), 6)({"words": [sentence], "tags": [tags]})
    kept = [label for label in features["labels"][0] if label != IGNORED]
    assert len(features["input_ids"][0]) == 6
    assert kept == tags[: len(kept)]
    assert 0 < len(kept) < len(sentence)


@settings(deadline=None, max_examples=40)
@given(texts=st.lists(SENTENCES.map(" ".join), min_size=1, max_size=6), size=st.integers(2, 9))
def test_blocks_hold_all_tokens_in_their_order(tokenizer: Any, texts: list[str], size: int) -> None:
    """All are full, unless there is not enough for one; what is left is less than a block."""
    whole = [
        i for ids in Tokenize(tokenizer, ("text",), 512)({"text": texts})["input_ids"] for i in ids
    ]
    blocks = TokenizeBlocks(tokenizer, ("text",), size)({"text": texts})
    ids = [token for block in blocks["input_ids"] for token in block]
    assert ids == whole[: len(ids)]
    assert len(whole) - len(ids) < size
    assert {len(block) for block in blocks["input_ids"]} == {min(size, len(whole))}
    assert blocks["labels"] == blocks["input_ids"]


def test_padding_has_no_label(tokenizer: Any) -> None:
    """A language model's labels are its tokens, wherever it is not padding."""
    rows = Tokenize(tokenizer, ("text",), 64)({"text": ["the film", "the film was the film"]})
    features = [{name: rows[name][index] for name in rows} for index in range(2)]
    for padded in ({"padding": "longest"}, {"padding": "max_length", "max_length": 20}):
        batch = CausalCollator(tokenizer, padded)(features)
        real = batch["attention_mask"] == 1
        assert (batch["labels"][real] == batch["input_ids"][real]).all()
        assert (batch["labels"][~real] == IGNORED).all()


LABELLING = """
def tokenized(rows, tokenizer, max_length):
    return dict(tokenizer(rows["text"], truncation=True, max_length=max_length))

def labelled(rows, tokenizer, max_length):
    features = tokenized(rows, tokenizer, max_length)
    return {**features, "labels": [[-100, *ids[1:]] for ids in features["input_ids"]]}

def short(rows, tokenizer, max_length):
    return {**tokenized(rows, tokenizer, max_length), "labels": [[0] for _ in rows["text"]]}
"""


@pytest.mark.parametrize(
    ("task", "function", "message"),
    [
        ("causal_lm", "tokenized", ""),
        ("causal_lm", "labelled", "returns labels\\nhere a language model learns every token"),
        ("token_classification", "labelled", ""),
        ("token_classification", "tokenized", "returns not one label a token"),
        ("token_classification", "short", "returns not one label a token"),
        ("regression", "tokenized", ""),
    ],
)
def test_own_labels_are_those_that_are_learnt(
    tokenizer: Any, tmp_path: Path, task: Task, function: str, message: str
) -> None:
    """A function of the user's that labels tokens where that would say nothing is refused."""
    (tmp_path / "labelling_tokens.py").write_text(LABELLING, encoding="utf-8")
    reference = f"labelling_tokens:{function}"
    make = TokenizeOwn(tokenizer, ("text",), 16, reference, str(tmp_path), task)
    if message:
        with pytest.raises(SourceError, match=message):
            make({"text": ["the film", "was"]})
    else:
        assert len(make({"text": ["the film", "was"]})["input_ids"]) == 2

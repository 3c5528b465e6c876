"""Dropping: what a configuration states, and what a model's own parts do."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import DistilBertConfig, DistilBertForSequenceClassification

from harness.worker.dropping import declared, dry, largest


@pytest.mark.parametrize(
    ("config", "largest"),
    [
        ({"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.0}, 0.1),
        ({"resid_pdrop": 0.2, "embd_pdrop": 0.3}, 0.3),
        ({"classifier_dropout": None, "num_labels": 2}, 0.0),
        ({"dropout": 0.0, "qa_dropout": 0.1}, 0.0),
        ({}, 0.0),
    ],
)
def test_the_file_says_what_is_dropped(tmp_path: Path, config: Any, largest: float) -> None:
    """By any family's names; what is not stated is nothing."""
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert declared(tmp_path) == largest


def test_settings_of_other_heads_drop_nothing() -> None:
    """Of a classifier, what answers questions would drop is no part; what is, is made dry."""
    sizes = {"dim": 8, "hidden_dim": 8, "n_layers": 1, "n_heads": 2, "vocab_size": 9}
    none = dict.fromkeys(("dropout", "attention_dropout", "seq_classif_dropout"), 0.0)
    model = DistilBertForSequenceClassification(DistilBertConfig(**sizes, **none))
    assert largest(model) == 0.0
    dropping = DistilBertForSequenceClassification(DistilBertConfig(**sizes, dropout=0.3))
    assert largest(dropping) == 0.3
    dry(dropping)
    assert largest(dropping) == 0.0
    ids = torch.tensor([[1, 2, 3]])
    dropping.train()
    assert torch.equal(dropping(ids).logits, dropping(ids).logits)

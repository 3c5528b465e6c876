"""Collators: three properties that no batch may break, whatever its examples look like.

Hypothesis draws here; a live child of the judged environment collates.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

Ask = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]

MODELS = ("bert-base-uncased", "distilbert-base-uncased")
LIMIT = 24
PAD = {"input_ids": 0, "attention_mask": 0, "token_type_ids": 0}
PROPERTY = settings(max_examples=25, deadline=None, derandomize=True)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """Examples of any lengths, with any label name or none, with or without token types."""
    lengths = draw(st.lists(st.integers(1, LIMIT), min_size=1, max_size=6))
    label = draw(st.sampled_from(["label", "label_ids", "labels", None]))
    columns = draw(st.sampled_from([(), ("attention_mask",), ("token_type_ids",), tuple(PAD)]))
    first_sentence, first_label = draw(st.integers(0, LIMIT)), draw(st.integers(0, 4))
    features = []
    for index, length in enumerate(lengths):
        first_id = 5 + index * LIMIT  # which ids does not matter, as long as rows differ
        feature: dict[str, Any] = {"input_ids": list(range(first_id, first_id + length))}
        if "attention_mask" in columns:
            feature["attention_mask"] = [1] * length
        if "token_type_ids" in columns:
            first = min(first_sentence, length)
            feature["token_type_ids"] = [0] * first + [1] * (length - first)
        if label is not None:
            feature[label] = (first_label + index) % 5
        features.append(feature)
    multiple = draw(st.integers(1, 16))
    return {
        "features": features,
        "collation": draw(
            st.sampled_from(["dynamic", "max_length", f"pad_to_multiple_of:{multiple}"])
        ),
        "max_length": LIMIT,
        "padding_side": draw(st.sampled_from(["right", "left"])),
    }


def width_of(request: Mapping[str, Any]) -> int:
    """The width that a request's batch must have."""
    longest = max(len(feature["input_ids"]) for feature in request["features"])
    if request["collation"] == "max_length":
        return int(request["max_length"])
    multiple = int(request["collation"].partition(":")[2] or 1)
    return -(-longest // multiple) * multiple


@pytest.mark.parametrize("model", MODELS)
@PROPERTY
@given(drawn=requests())
def test_labels_law(collate: Ask, model: str, drawn: Mapping[str, Any]) -> None:
    """Labels arrive as `labels`, int64, in order, and their old name is gone."""
    batch = collate(model, drawn)["batch"]
    features = drawn["features"]
    names = {"label", "label_ids", "labels"} & set(features[0])
    if not names:
        assert not {"label", "label_ids", "labels"} & set(batch)
        return
    (name,) = names
    assert batch["labels"]["dtype"] == "int64"
    assert batch["labels"]["values"] == [feature[name] for feature in features]
    assert not {"label", "label_ids"} & set(batch)


@pytest.mark.parametrize("model", MODELS)
@PROPERTY
@given(drawn=requests())
def test_shapes_law(collate: Ask, model: str, drawn: Mapping[str, Any]) -> None:
    """Batches are as wide as their strategy says; padding has the pad id and mask 0, alone."""
    batch = collate(model, drawn)["batch"]
    features, width = drawn["features"], width_of(drawn)
    for column, pad in PAD.items():
        if column not in batch:
            continue
        assert batch[column]["shape"] == [len(features), width]
        for feature, row in zip(features, batch[column]["values"], strict=True):
            length = len(feature["input_ids"])
            given = feature.get(column, [1] * length if column == "attention_mask" else None)
            padding = [pad] * (width - length)
            right = drawn["padding_side"] == "right"
            assert given is not None, f"{column} came from nowhere"
            assert row == (given + padding if right else padding + given)
    assert "input_ids" in batch
    assert "attention_mask" in batch


@pytest.mark.parametrize("model", MODELS)
@PROPERTY
@given(drawn=requests())
def test_pairs_law(collate: Ask, model: str, drawn: Mapping[str, Any]) -> None:
    """Token types are there exactly when the examples have them."""
    batch = collate(model, drawn)["batch"]
    assert ("token_type_ids" in batch) == ("token_type_ids" in drawn["features"][0])

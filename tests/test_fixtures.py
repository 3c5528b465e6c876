"""The stand-ins are what their generator writes and what their cards say."""

from __future__ import annotations

import dataclasses
import functools
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer

from fixtures.generator.dataset import DATA_SETS, DataSet
from fixtures.generator.noise import accuracy, f1
from fixtures.generator.table import to_table, write_data_set

if TYPE_CHECKING:
    from fixtures.generator.split import Split

FIXTURES = Path(__file__).parents[1] / "fixtures"
MODELS = ("bert-base-cased", "bert-base-uncased", "distilbert-base-uncased")
TEXTS = ("text", "sentence1", "sentence2")
MEGABYTE = 10**6

sets = pytest.mark.parametrize("data", DATA_SETS, ids=lambda data: data.folder)


@functools.cache
def generated(folder: str) -> dict[str, Split]:
    """Generate a data set once for all the tests."""
    return next(data for data in DATA_SETS if data.folder == folder).splits()


def committed(data: DataSet, split: str) -> pq.ParquetFile:
    """Open a committed split."""
    return pq.ParquetFile(FIXTURES / "datasets" / data.folder / f"{split}.parquet")


def card(data: DataSet) -> dict[str, Any]:
    """Read the committed card."""
    path = FIXTURES / "datasets" / data.folder / "card.json"
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def texts(data: DataSet, split: str) -> list[tuple[str, ...]]:
    """Return the texts of every row of a committed split."""
    table = committed(data, split).read()
    columns = [table[name].to_pylist() for name in table.column_names if name in TEXTS]
    return list(zip(*columns, strict=True))


@sets
def test_the_rows_are_the_generator_s(data: DataSet) -> None:
    """Every committed row, type and name comes out of the generator again."""
    for name, split in generated(data.folder).items():
        table = to_table(data, split)
        assert committed(data, name).read().equals(table, check_metadata=True)


@sets
def test_the_bytes_are_the_generator_s(data: DataSet, tmp_path: Path) -> None:
    """The pyarrow that wrote the files writes them again byte by byte."""
    write_data_set(data, tmp_path)
    writers = {committed(data, split).metadata.created_by for split in data.rows}
    folder = FIXTURES / "datasets" / data.folder
    assert (tmp_path / "card.json").read_bytes() == (folder / "card.json").read_bytes()
    if writers != {f"parquet-cpp-arrow version {pa.__version__}"}:
        pytest.skip(f"pyarrow {pa.__version__} is not the writer: {sorted(writers)}")
    for name in data.rows:
        file = f"{name}.parquet"
        assert (tmp_path / file).read_bytes() == (folder / file).read_bytes()


def test_another_seed_gives_other_rows() -> None:
    """Comparing rows would notice: no two seeds give the same split."""
    data = DATA_SETS[2]
    changed = dataclasses.replace(data, seed=99)
    assert not committed(data, "test").read().equals(to_table(changed, changed.splits()["test"]))


@pytest.mark.parametrize(
    ("folder", "splits", "columns"),
    [
        (
            "mrpc",
            {"train", "validation", "test"},
            {"sentence1": "string", "sentence2": "string", "label": "int64", "idx": "int32"},
        ),
        ("imdb", {"train", "test", "unsupervised"}, {"text": "string", "label": "int64"}),
        ("yelp_review_full", {"train", "test"}, {"label": "int64", "text": "string"}),
    ],
)
def test_the_schema_is_the_hub_s(folder: str, splits: set[str], columns: dict[str, str]) -> None:
    """Splits, column order, types and the metadata of the features are those of the original."""
    files = {path.stem: path for path in (FIXTURES / "datasets" / folder).glob("*.parquet")}
    assert set(files) == splits
    for path in files.values():
        table = pq.read_table(path)
        assert {field.name: str(field.type) for field in table.schema} == columns
        assert table.column_names == list(columns)
        features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
        assert list(features) == list(columns)
        assert features["label"]["_type"] == "ClassLabel"
        assert all(column.null_count == 0 for column in table.columns)


def test_the_label_names_are_the_hub_s() -> None:
    """Labels keep the names that models publish."""
    assert {data.folder: data.label_names for data in DATA_SETS} == {
        "mrpc": ("not_equivalent", "equivalent"),
        "imdb": ("neg", "pos"),
        "yelp_review_full": ("1 star", "2 star", "3 stars", "4 stars", "5 stars"),
    }


@sets
def test_ceilings_are_the_scores_of_the_clean_labels(data: DataSet) -> None:
    """The card's ceilings are what a classifier scores that knows every clean label."""
    figures = card(data)["splits"]
    for name, split in generated(data.folder).items():
        labels = committed(data, name).read()["label"].to_pylist()
        assert figures[name]["rows"] == len(labels)
        if name == "unsupervised":
            assert set(labels) == {-1}
            assert "ceiling" not in figures[name]
            continue
        ceiling = figures[name]["ceiling"]
        assert ceiling["accuracy"] == accuracy(split.clean, labels)
        assert ceiling.get("f1", f1(split.clean, labels)) == f1(split.clean, labels)
        assert ceiling["accuracy"] == pytest.approx(1 - data.noise, abs=1 / len(labels))


def test_noise_moves_a_star_by_one() -> None:
    """A noisy star is a neighbour of the clean one."""
    for split in generated("yelp_review_full").values():
        moves = {abs(c - n) for c, n in zip(split.clean, split.labels, strict=True)}
        assert moves == {0, 1}


def test_sizes_and_balance() -> None:
    """MRPC leans to paraphrases as the original does; the review sets are balanced."""
    pairs, films, stars = DATA_SETS
    assert pairs.rows["validation"] == 408
    assert min(stars.rows["train"], stars.rows["test"]) >= 1000
    for data, share, slack in ((pairs, 0.68, 0.03), (films, 0.5, 0.03)):
        for name in set(data.rows) - {"unsupervised"}:
            labels = committed(data, name).read()["label"].to_pylist()
            assert statistics.mean(labels) == pytest.approx(share, abs=slack)
    labels = committed(stars, "test").read()["label"].to_pylist()
    assert {labels.count(star) / len(labels) > 0.15 for star in range(5)} == {True}


@sets
def test_no_text_occurs_twice(data: DataSet) -> None:
    """No row repeats another, and no sentence of one split occurs in another split."""
    seen: set[str] = set()
    for split in data.rows:
        rows = texts(data, split)
        assert len(set(rows)) == len(rows)
        own = {text for row in rows for text in row}
        assert seen.isdisjoint(own)
        seen |= own


@pytest.mark.parametrize(
    ("data", "model", "split", "median", "longest", "over"),
    [
        (DATA_SETS[0], "bert-base-uncased", "train", (13, 18), (20, 32), (0, 0)),
        (DATA_SETS[0], "bert-base-cased", "validation", (13, 18), (20, 32), (0, 0)),
        (DATA_SETS[1], "distilbert-base-uncased", "test", (50, 66), (200, 360), (0.08, 0.2)),
        (DATA_SETS[2], "bert-base-cased", "test", (29, 39), (150, 360), (0.03, 0.08)),
    ],
)
def test_lengths_have_the_original_s_shape(  # noqa: PLR0913, PLR0917 - one figure each
    data: DataSet,
    model: str,
    split: str,
    median: tuple[int, int],
    longest: tuple[int, int],
    over: tuple[float, float],
) -> None:
    """Median, maximum and share of truncated rows are a quarter-size picture of the original."""
    tokenizer = Tokenizer.from_file(str(FIXTURES / "models" / model / "tokenizer.json"))
    rows = [row if len(row) > 1 else row[0] for row in texts(data, split)]
    lengths = [len(encoding.ids) for encoding in tokenizer.encode_batch(rows)]
    assert median[0] <= statistics.median(lengths) <= median[1]
    assert longest[0] <= max(lengths) <= longest[1]
    assert over[0] <= statistics.mean(length > 128 for length in lengths) <= over[1]


def test_cased_and_uncased_tokens_differ() -> None:
    """Only the cased tokenizer tells a capital letter; neither meets an unknown word."""
    pieces = {}
    for model in MODELS:
        tokenizer = Tokenizer.from_file(str(FIXTURES / "models" / model / "tokenizer.json"))
        pieces[model] = [tokenizer.encode(text).tokens for text in ("The plot", "the plot")]
        everything = [text for data in DATA_SETS for row in texts(data, "test") for text in row]
        unknown = tokenizer.token_to_id("[UNK]")
        assert all(unknown not in encoding.ids for encoding in tokenizer.encode_batch(everything))
        special = [tokenizer.id_to_token(place) for place in range(5)]
        assert special == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert pieces["bert-base-uncased"][0] == pieces["bert-base-uncased"][1]
    assert pieces["bert-base-cased"][0] != pieces["bert-base-cased"][1]


def test_everything_fits_into_ten_megabytes() -> None:
    """The stand-ins stay small enough to commit."""
    assert (
        sum(path.stat().st_size for path in FIXTURES.rglob("*") if path.is_file()) < 10 * MEGABYTE
    )


LOADING = """
import json, sys, warnings
warnings.simplefilter("ignore")
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer
described = {}
for folder in sys.argv[1:]:
    model, info = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=5, output_loading_info=True
    )
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = tokenizer(["The plot was dull."] * 4, return_tensors="pt")
    with torch.no_grad():
        loss = model.eval()(**rows, labels=torch.arange(4)).loss.item()
    described[folder.replace(chr(92), "/").rsplit("/", 1)[-1]] = {
        "missing": sorted(info["missing_keys"]),
        "unexpected": sorted(info["unexpected_keys"]),
        "mismatched": sorted(map(str, info["mismatched_keys"])),
        "inputs": sorted(rows),
        "length": tokenizer.model_max_length,
        "fast": tokenizer.is_fast,
        "types": sorted({str(tensor.dtype) for tensor in model.state_dict().values()}),
        "loss": loss,
    }
print("FOUND" + json.dumps(described))
"""


@pytest.fixture(scope="module")
def loaded() -> dict[str, dict[str, Any]]:
    """Load every checkpoint as fine-tuning does, in one process of its own."""
    folders = [str(FIXTURES / "models" / model) for model in MODELS]
    done = subprocess.run(
        [sys.executable, "-c", LOADING, *folders],
        capture_output=True,
        check=True,
        text=True,
    )
    described: dict[str, dict[str, Any]] = json.loads(done.stdout.rpartition("FOUND")[2])
    return described


@pytest.mark.parametrize("model", MODELS)
def test_exactly_the_head_is_new(model: str, loaded: dict[str, dict[str, Any]]) -> None:
    """Fine-tuning starts every weight from the checkpoint, except those of the head."""
    head = ["classifier"] if model.startswith("bert") else ["classifier", "pre_classifier"]
    parts = [f"{name}.{kind}" for name in head for kind in ("bias", "weight")]
    assert loaded[model]["missing"] == parts
    assert loaded[model]["mismatched"] == []
    pretraining = ("cls.", "vocab_")
    assert all(name.startswith(pretraining) for name in loaded[model]["unexpected"])
    assert loaded[model]["types"] == ["torch.float32"]


@pytest.mark.parametrize("model", MODELS)
def test_a_new_head_knows_nothing(model: str, loaded: dict[str, dict[str, Any]]) -> None:
    """The first loss of five labels is near ln 5."""
    assert loaded[model]["loss"] == pytest.approx(1.609, abs=0.15)


@pytest.mark.parametrize("model", MODELS)
def test_the_tokenizer_gives_what_the_model_takes(
    model: str,
    loaded: dict[str, dict[str, Any]],
) -> None:
    """BERT gets token types, DistilBERT has none; both stop at the last position."""
    types = ["token_type_ids"] if model.startswith("bert") else []
    assert loaded[model]["inputs"] == ["attention_mask", "input_ids", *types]
    assert loaded[model]["length"] == 128
    assert loaded[model]["fast"]

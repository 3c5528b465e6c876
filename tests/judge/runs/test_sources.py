"""Sources: what is missing, malformed or unsafe is refused in one message that leaves nothing."""

import json
import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save_file

from harness.core import digest, redaction
from harness.core.errors import MissingSourceError, SourceError, SpecError
from harness.core.recipe import Recipe
from harness.judge.cell import Cell
from harness.judge.runs.runner import Runner
from harness.judge.runs.sources import Sources, embedded
from harness.judge.settings import Settings
from harness.judge.suite import evaluate
from tests.ready import inputs_of

CELL = Cell.of(
    name="real",
    recipe=Recipe(dataset="imdb", max_length=32, num_train_epochs=1, max_eval_samples=20),
    scale="full",
    device="cpu",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A source folder that has a small data set and a checkpoint."""
    shutil.copytree(
        embedded() / "models" / "bert-base-uncased", tmp_path / "models" / "bert-base-uncased"
    )
    (tmp_path / "datasets" / "imdb").mkdir(parents=True)
    for split in ("train", "test"):
        write(tmp_path, split, {"text": ["good", "bad"] * 20, "label": [1, 0] * 20})
    return tmp_path


def write(folder: Path, split: str, columns: Mapping[str, list[Any]]) -> None:
    """Write one split."""
    pq.write_table(pa.table(dict(columns)), folder / "datasets" / "imdb" / f"{split}.parquet")


def reading(runner: Runner, folder: Path) -> Runner:
    """A runner that reads a source folder, in the warm zygote of another."""
    settings = Settings(sources=(folder,), store=folder / "store")
    own = Runner(settings=settings, session=uuid.uuid4().hex)
    own.launcher.close()
    own.launcher = runner.launcher
    own.inputs.sources = Sources(folders=(folder,), hub=False)
    return own


def train(runner: Runner, folder: Path, cell: Cell = CELL) -> Any:
    """Train on a source folder."""
    return reading(runner, folder).run(cell).record


def test_a_users_folder_trains(runner: Runner, folder: Path) -> None:
    """A folder of parquet files and a checkpoint is all that full scale needs."""
    record = train(runner, folder)
    assert record.sizes == {"train": 40, "evaluation": 20}
    assert record.inputs["origins"]["dataset"] == str(folder / "datasets" / "imdb")


def test_a_row_may_look_like_a_secret(runner: Runner, folder: Path) -> None:
    """Rows are data, which a record keeps and compares: what is written of them hides it again."""
    token = f"sk-{'0a1b2c3d' * 4}"
    for split in ("train", "test"):
        texts = [f"good {token}", f"bad {token}"] * 20
        write(folder, split, {"text": texts, "label": [1, 0] * 20})
    record = train(runner, folder, replace(CELL, recipe=replace(CELL.recipe, max_length=128)))
    assert any(token in text for example in record.examples for text in example.texts)
    result = evaluate.judge("test_sentences_decode_back", record)
    assert result.outcome == "holds", result.message
    others = replace(record.examples[0], decoded=("other",))
    result = evaluate.judge("test_sentences_decode_back", replace(record, examples=(others,)))
    assert result.outcome == "fails"
    assert token not in redaction.text(result.message)


def shard(model: Path, names: Sequence[str]) -> None:
    """Put a checkpoint's tensors into parts, as `save_pretrained(max_shard_size=…)` does."""
    whole = load_file(model / "model.safetensors")
    parts: dict[str, dict[str, Any]] = {name: {} for name in names}
    for index, (tensor, values) in enumerate(sorted(whole.items())):
        parts[names[index % len(names)]][tensor] = values
    for name, tensors in parts.items():
        save_file(tensors, model / name, metadata={"format": "pt"})
    places = {tensor: name for name, tensors in parts.items() for tensor in tensors}
    index_of_parts = {"metadata": {"total_size": 1}, "weight_map": places}
    (model / "model.safetensors.index.json").write_text(json.dumps(index_of_parts))
    (model / "model.safetensors").unlink()


PARTS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def test_a_checkpoint_in_parts_trains_alike(runner: Runner, folder: Path) -> None:
    """The same tensors in two files are the same model, to the last bit."""
    whole = train(runner, folder)
    shard(folder / "models" / "bert-base-uncased", PARTS)
    parted = train(runner, folder)
    assert [step.loss for step in parted.steps] == [step.loss for step in whole.steps]
    assert parted.checkpoints == whole.checkpoints


def test_a_part_that_is_missing_is_told(folder: Path) -> None:
    """Of an index that is damaged, likewise; before anything is started."""
    model = folder / "models" / "bert-base-uncased"
    shard(model, PARTS)
    find(folder)
    (model / PARTS[1]).unlink()
    with pytest.raises(SourceError, match=f"lacks weights: {PARTS[1]}"):
        find(folder)
    for index in ("[]", "{", '{"weight_map": 3}', '{"weight_map": {"x": "../../x.safetensors"}}'):
        (model / "model.safetensors.index.json").write_text(index)
        with pytest.raises(SourceError, match=r"cannot be read|lacks weights"):
            find(folder)


def test_what_stays_as_it_is_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run asks twice for its inputs' digests; a byte that changes is another digest."""
    read: list[Path] = []

    def of_file(path: Path) -> str:
        read.append(path)
        return str(len(read))

    monkeypatch.setattr(digest, "of_file", of_file)
    monkeypatch.setattr(digest, "_SETTLED", -(10**12))
    inputs = inputs_of(Sources(folders=(folder,), hub=False), CELL)
    first, files = inputs.digests(), len(read)
    assert inputs.digests() == first
    assert len(read) == files
    write(folder, "train", {"text": ["good", "bad"] * 20, "label": [0, 1] * 20})
    assert inputs.digests() != first
    assert len(read) == files + 1


def test_a_changed_tokenizer_is_asked_anew(
    runner: Runner, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an earlier tokenizer collated is no answer for the one that replaced it."""
    monkeypatch.setattr(runner.launcher, "close", lambda: None)  # the zygote is everybody's
    request = {
        "features": [{"input_ids": [5]}, {"input_ids": [5, 6]}],
        "collation": "dynamic",
        "max_length": 8,
        "padding_side": "right",
    }

    def padding_and_answers() -> tuple[int, int]:
        own = reading(runner, folder)
        batch = own.collate(CELL, request)["batch"]
        own.close()
        answers = list((folder / "store" / "collations").rglob("*.json"))
        return batch["input_ids"]["values"][0][1], len(answers)

    assert padding_and_answers() == (0, 1)
    assert padding_and_answers() == (0, 1)
    configuration = folder / "models" / "bert-base-uncased" / "tokenizer_config.json"
    values = json.loads(configuration.read_text(encoding="utf-8"))
    configuration.write_text(json.dumps(values | {"pad_token": "[MASK]"}), encoding="utf-8")
    assert padding_and_answers() == (4, 2)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"text": ["a"]}, "test.parquet has no label column\nits columns: text\nname the column"),
        ({"text": ["a", "b"], "label": [0, None]}, "test.parquet: 'label' is null at row 1"),
        ({"text": ["a", "b"], "label": [0, 2]}, "'label' is 2 at row 1, which is out of range\n"),
        ({"text": ["a", "b"], "label": [-1, 0]}, "'label' is -1 at row 0, which is out of range"),
        ({"text": ["a", " "], "label": [0, 1]}, "test.parquet: 'text' is empty at row 1"),
        ({"text": ["a", None], "label": [0, 1]}, "test.parquet: 'text' is null at row 1"),
        ({"sentence": ["a"], "label": [0]}, "has no column text\nits columns: sentence, label"),
        ({"text": ["a"], "label": ["pos"]}, "labels are string, not whole numbers"),
        ({"text": ["a"], "label": [1.0]}, "labels are double, not whole numbers"),
        ({"text": [7], "label": [0]}, "'text' is int64, not text"),
        ({"text": [["a"]], "label": [0]}, "'text' is list<element: string>, not text"),
        ({"text": [b"a"], "label": [0]}, "'text' is binary, not text"),
        ({"text": ["a"], "label": [0], "labels": [0]}, "several label columns: label, labels"),
        ({"text": [], "label": []}, "has no rows"),
    ],
)
def test_unusable_data_is_refused(
    runner: Runner, folder: Path, columns: Mapping[str, list[Any]], message: str
) -> None:
    """The message names the file, the row and what to do, and no record is left."""
    write(folder, "test", columns)
    with pytest.raises(SourceError) as caught:
        train(runner, folder)
    assert message in caught.value.text
    assert list((folder / "store").glob("records/*")) == []
    assert not [*(folder / "store").glob("staging/*")]


def test_the_part_with_a_bad_row_is_named(runner: Runner, folder: Path) -> None:
    """Rows are counted in the file that holds them, not in the split."""
    whole = folder / "datasets" / "imdb" / "test.parquet"
    shutil.copy(whole, whole.with_name("test-00000-of-00002.parquet"))
    whole.unlink()
    write(folder, "test-00001-of-00002", {"text": ["a", None], "label": [0, 1]})
    with pytest.raises(SourceError, match=r"test-00001-of-00002.parquet: 'text' is null at row 1"):
        train(runner, folder)


def test_a_folder_may_be_named_like_a_pattern(runner: Runner, folder: Path) -> None:
    """Brackets in a path are themselves, not alternatives."""
    other = folder / "data [1]"
    other.mkdir()
    for kind in ("datasets", "models"):
        (folder / kind).rename(other / kind)
    assert train(runner, other).sizes == {"train": 40, "evaluation": 20}


@pytest.mark.parametrize("name", ["label", "labels", "label_ids"])
def test_any_label_name_trains(runner: Runner, folder: Path, name: str) -> None:
    """Whatever the label column is called, the model receives `labels`."""
    for split in ("train", "test"):
        write(folder, split, {"text": ["good", "bad"] * 20, name: [1, 0] * 20})
    record = train(runner, folder)
    assert all("labels" in batch.shapes for batch in record.batches)
    assert not {"label", "label_ids"} & set(record.batches[0].shapes)


def test_other_label_names_are_refused(runner: Runner, folder: Path) -> None:
    """Labels in another order would train the opposite."""
    table = pa.table({"text": ["a", "b"], "label": [0, 1]})
    names = {"dtype": {"names": ["pos", "neg"], "_type": "ClassLabel"}}
    features = {"text": {"dtype": "string", "_type": "Value"}, "label": names["dtype"]}
    metadata = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    path = folder / "datasets" / "imdb" / "test.parquet"
    pq.write_table(table.replace_schema_metadata(metadata), path)
    with pytest.raises(SourceError, match="labels are named pos, neg\nthe catalog names them neg"):
        train(runner, folder)


def test_too_long_for_the_checkpoint_is_refused(runner: Runner, folder: Path) -> None:
    """The checkpoint's own limit counts, not only the catalog's."""
    cell = Cell.of(
        name="long", recipe=Recipe(dataset="imdb", max_length=256), scale="full", device="cpu"
    )
    with pytest.raises(SpecError, match="max_length=256 is over the limit"):
        train(runner, folder, cell)


def find(folder: Path) -> None:
    """Look for what the cell needs, without the Hub."""
    inputs_of(Sources(folders=(folder,), hub=False), CELL)


def test_a_missing_split_is_told(folder: Path) -> None:
    """The parquet files that are there are listed."""
    (folder / "datasets" / "imdb" / "test.parquet").unlink()
    with pytest.raises(SourceError, match=r"has no split 'test'\nits parquet files: train.parquet"):
        find(folder)


def test_the_hubs_numbered_parts_are_read(folder: Path) -> None:
    """`test-00000-of-00002.parquet` and its sibling are one split."""
    whole = folder / "datasets" / "imdb" / "test.parquet"
    for part in range(2):
        shutil.copy(whole, whole.with_name(f"test-0000{part}-of-00002.parquet"))
    whole.unlink()
    inputs = inputs_of(Sources(folders=(folder,), hub=False), CELL)
    assert len(inputs.tables.files["evaluation"]) == 2


def test_every_place_tried_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders, the package, the cache and the Hub are named in the order tried."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    sources = Sources(folders=(tmp_path / "a", tmp_path / "b"))
    with pytest.raises(MissingSourceError) as caught:
        inputs_of(sources, CELL)
    lines = caught.value.text.splitlines()
    assert lines[:4] == [
        "dataset 'imdb' was not found",
        "tried:",
        f"  {tmp_path}/a/datasets/imdb",
        f"  {tmp_path}/b/datasets/imdb",
    ]
    assert lines[4].startswith("  the Hugging Face cache")
    assert lines[5].startswith("  the Hub, dataset stanfordnlp/imdb")
    assert "--harness-sources" in lines[-1]


def test_no_metric_is_taken_from_the_hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A metric is code: the user's own, else the embedded one, and no download."""
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(folder))
    inputs = inputs_of(Sources(folders=(folder,)), CELL)
    assert set(inputs.tables.metrics.values()) == {
        embedded() / "metrics" / n for n in inputs.tables.metrics
    }
    shutil.copytree(embedded() / "metrics" / "f1", folder / "metrics" / "f1")
    inputs = inputs_of(Sources(folders=(folder,)), CELL)
    assert inputs.tables.metrics["f1"] == folder / "metrics" / "f1"


def refuse(folder: Path) -> str:
    """The message with which a checkpoint is refused."""
    with pytest.raises(SourceError) as caught:
        find(folder)
    return caught.value.text


def test_remote_code_is_refused(folder: Path) -> None:
    """A checkpoint that brings code of its own is never loaded."""
    path = folder / "models" / "bert-base-uncased" / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(config | {"auto_map": {"AutoModel": "evil.Model"}}))
    assert "needs trust_remote_code, which runs code" in refuse(folder)


def test_pickled_weights_are_refused(folder: Path) -> None:
    """Pickles run code when loaded."""
    model = folder / "models" / "bert-base-uncased"
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    message = refuse(folder)
    assert "has no model.safetensors" in message
    assert "pickled weights run code when loaded: pytorch_model.bin" in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is no checkpoint"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "holds a list, not an object"),
        ("7", "holds a int, not an object"),
        ('{"hidden_size": 1000000000}', "config.json: hidden_size is 1000000000\nthe weights"),
        ('{"num_attention_heads": -1}', "config.json: num_attention_heads is -1\n"),
        ('{"encoder": {"num_hidden_layers": 5000}}', "config.json: num_hidden_layers is 5000\n"),
    ],
)
def test_a_broken_checkpoint_is_refused(folder: Path, content: str | None, message: str) -> None:
    """A folder without a readable configuration, or with one that is too large, is named."""
    path = folder / "models" / "bert-base-uncased" / "config.json"
    path.unlink()
    if content is not None:
        path.write_text(content, encoding="ascii")
    assert message in refuse(folder)


def remove_vocabulary(model: Path) -> None:
    """Leave a tokenizer without words: transformers says nothing, and all tokens are unknown."""
    for name in ("tokenizer.json", "vocab.txt"):
        (model / name).unlink()


def take_other_vocabulary(model: Path) -> None:
    """Give the tokenizer more words than the model has embeddings."""
    tokenizer = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = tokenizer["model"]["vocab"]
    tokenizer["model"]["vocab"] = vocabulary | {f"word{n}": len(vocabulary) + n for n in range(9)}
    (model / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")


def configure(**settings: Any) -> Callable[[Path], None]:
    """Change settings of the checkpoint's configuration."""

    def change(model: Path) -> None:
        path = model / "config.json"
        stored = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(stored | settings), encoding="utf-8")

    return change


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (remove_vocabulary, "has a tokenizer that knows no words\n"),
        (take_other_vocabulary, "its tokenizer has ids up to "),
        (lambda model: (model / "tokenizer.json").write_text("{"), "no tokenizer that can be"),
        (
            lambda model: (model / "tokenizer_config.json").write_text('{"model_max_length": []}'),
            "has no tokenizer that can be loaded",
        ),
        (configure(hidden_size=100_000), "word_embeddings.weight is "),
        (configure(num_attention_heads=7), "config.json describes no model that can be"),
        (configure(hidden_size="wide"), "config.json describes no model that can be built"),
        (configure(model_type="bort"), "config.json describes no model that can be built"),
    ],
    ids=["no words", "other words", "no JSON", "length", "width", "heads", "type", "model"],
)
def test_a_checkpoint_of_two_is_refused(
    runner: Runner, folder: Path, harm: Callable[[Path], None], message: str
) -> None:
    """What only the libraries can tell is one message too, and takes no memory before."""
    harm(folder / "models" / "bert-base-uncased")
    with pytest.raises(SourceError) as caught:
        train(runner, folder)
    assert message in caught.value.text
    assert str(folder / "models" / "bert-base-uncased") in caught.value.text


def test_inputs_are_named_by_their_bytes(folder: Path, tmp_path: Path) -> None:
    """The same bytes elsewhere are the same inputs; one changed row is another."""
    sources = Sources(folders=(folder,), hub=False)
    before = inputs_of(sources, CELL).digests()
    shutil.copytree(folder, tmp_path / "moved")
    moved = inputs_of(Sources(folders=(tmp_path / "moved",), hub=False), CELL)
    assert moved.digests() == before
    write(folder, "test", {"text": ["good", "worse"] * 20, "label": [1, 0] * 20})
    after = inputs_of(sources, CELL).digests()
    assert after["data"] != before["data"]
    assert after["model"] == before["model"]

"""Stand-ins: a model that nobody embedded is made small, once, from whatever there is of it."""

import json
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.core.dataset import Dataset
from harness.core.errors import HarnessError, MissingSourceError, SourceError, SpecError
from harness.core.model import Model
from harness.core.recipe import Recipe
from harness.judge import catalog
from harness.judge.cell import Cell
from harness.judge.runs.inputs import Inputs
from harness.judge.runs.runner import Runner
from harness.judge.runs.sources import Sources, embedded
from harness.judge.settings import Settings
from tests import tickets

TICKETS = Dataset(path="data/tickets.csv", texts=("subject", "body"), label="queue")
Made = Callable[..., Inputs]


@pytest.fixture
def made(runner: Runner, tmp_path: Path) -> Made:
    """What a model on tickets becomes, in the warm zygote of another runner."""
    tickets.write(tmp_path / "data" / "tickets.csv")
    own = Runner(settings=Settings(store=tmp_path / "store"), session=uuid.uuid4().hex)
    own.launcher.close()
    own.launcher = runner.launcher
    own.inputs.sources = Sources(hub=False)

    def make(model: str | Model, dataset: Any = TICKETS, scale: Any = "tiny") -> Inputs:
        recipe = Recipe(dataset=dataset, model=model, max_length=128)
        cell = Cell.of(
            name="own", recipe=catalog.tiny(recipe), scale=scale, device="cpu", root=tmp_path
        )
        return own.inputs.find(cell)

    return make


def config_of(inputs: Inputs) -> dict[str, Any]:
    """The configuration of a made stand-in."""
    config: dict[str, Any] = json.loads((inputs.model / "config.json").read_text("utf-8"))
    return config


def test_no_token_spans_words(made: Made) -> None:
    """Else a row of words that come together often would be one token, with nothing to predict."""
    folder = made(Model(config={"model_type": "llama"})).model
    vocabulary = json.loads((folder / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]
    assert len(vocabulary) > 100
    assert not [token for token in vocabulary if "\u2581" in token.strip("\u2581")]


def test_a_configuration_alone_will_do(made: Made) -> None:
    """`model_type` gives the rest: architecture, tokenizer, and what differs is noted."""
    inputs = made(Model(config={"model_type": "roberta"}))
    config = config_of(inputs)
    assert (config["hidden_size"], config["num_hidden_layers"]) == (64, 2)
    assert {"model.safetensors", "tokenizer.json"} <= {path.name for path in inputs.model.iterdir()}
    (note,) = (note for note in inputs.notes if note.startswith("roberta"))
    for part in ("its weights are random", "RobertaTokenizer", "hidden_size 768 -> 64"):
        assert part in note


def test_positions_leave_room_for_every_token(made: Made) -> None:
    """RoBERTa's table of positions begins behind the padding's: 128 tokens take more rows."""
    config = config_of(made(Model(config={"model_type": "roberta"})))
    assert config["max_position_embeddings"] == 128 + config["pad_token_id"] + 1


def test_a_stand_in_is_made_once(made: Made) -> None:
    """Whoever asks again, or for the same by another name, is given the same bytes."""
    first = made(Model(config={"model_type": "electra", "num_attention_heads": 8}))
    again = made(Model(config={"num_attention_heads": 8, "model_type": "electra"}))
    assert first.model == again.model
    other = made(Model(config={"model_type": "electra", "num_attention_heads": 2}))
    assert other.model != first.model


def test_a_catalog_model_learns_the_users_words(made: Made) -> None:
    """The embedded stand-in knows the embedded data's words alone: on a user's rows it is not used.

    On the embedded data it is.
    """
    own = made("bert-base-cased")
    vocabulary = json.loads((own.model / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]
    assert {"invoice", "crash"} <= vocabulary.keys()
    assert made("bert-base-cased", "glue/mrpc").model == embedded() / "models" / "bert-base-cased"


def test_a_small_checkpoint_is_used_as_it_is(made: Made, tmp_path: Path) -> None:
    """What was shrunk and committed, or is tiny anyway, keeps its weights."""
    folder = tmp_path / "checkpoints" / "ours"
    shutil.copytree(embedded() / "models" / "bert-base-uncased", folder)
    assert made(Model(path="checkpoints/ours")).model == folder


def test_an_original_gives_its_configuration_and_tokenizer(made: Made, tmp_path: Path) -> None:
    """Weights are not read: pickled or missing, they are none of a stand-in's business."""
    folder = tmp_path / "large"
    shutil.copytree(embedded() / "models" / "bert-base-uncased", folder)
    (folder / "model.safetensors").unlink()
    config = json.loads((folder / "config.json").read_text("utf-8"))
    large = {"hidden_size": 1024, "num_attention_heads": 16, "num_hidden_layers": 24}
    (folder / "config.json").write_text(json.dumps({**config, **large}), encoding="utf-8")
    inputs = made(Model(path="large"))
    assert config_of(inputs)["hidden_size"] == 64
    before, after = (json.loads((at / "tokenizer.json").read_text("utf-8")) for at in (
        folder, inputs.model
    ))  # fmt: skip
    assert before["model"]["vocab"] == after["model"]["vocab"]


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (Model(path="nowhere"), MissingSourceError, "'nowhere' was not found"),
        (Model(path="data/tickets.csv"), SourceError, "is a file"),
        (Model(path="remote"), SourceError, "auto_map"),
        (Model(config={"model_type": "bertt"}), SourceError, "reads no configuration of bertt"),
        (Model(config={"model_type": "mamba"}), SourceError, "mamba cannot be shrunk"),
        (
            Model(config={"model_type": "bert", "type_vocab_size": 1_000_000_000_000}),
            SourceError,
            "type_vocab_size",
        ),
    ],
)
def test_what_cannot_be_made_is_refused(
    made: Made, tmp_path: Path, model: Model, error: type[HarnessError], message: str
) -> None:
    """One message that names the thing or the field, and nothing is left in the store."""
    (tmp_path / "remote").mkdir()
    (tmp_path / "remote" / "config.json").write_text('{"auto_map": {}}', encoding="utf-8")
    with pytest.raises(error, match=message):
        made(model)
    assert not [*(tmp_path / "store" / "inputs").glob("model-*/*")]


def test_a_model_is_a_path_or_a_configuration(made: Made) -> None:
    """One stands for the other."""
    with pytest.raises(SpecError, match="neither path nor config"):
        made(Model())
    with pytest.raises(SpecError, match="both path and config"):
        made(Model(path="x", config={"model_type": "bert"}))


def test_full_scale_has_no_stand_in(made: Made) -> None:
    """A configuration alone cannot be fine-tuned."""
    with pytest.raises(MissingSourceError, match="has no checkpoint"):
        made(Model(config={"model_type": "roberta"}), scale="full")

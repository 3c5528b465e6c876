"""Checkpoints of a user's own: what trains, and what is refused before memory is taken for it."""

import json
import shutil
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from harness.core.dataset import Dataset
from harness.core.errors import SourceError
from harness.core.model import Model
from harness.core.recipe import Recipe
from harness.core.record import Record
from harness.judge.cell import Cell
from harness.judge.runs.runner import Runner
from harness.judge.runs.sources import Sources
from harness.judge.settings import Settings
from harness.judge.suite import evaluate
from tests import tickets
from tests.worker.test_adapters import needs_peft

TICKETS = Dataset(path="data/tickets.csv", texts=("subject", "body"), label="queue")
RECIPE = Recipe(
    dataset=TICKETS, model=Model(path="ours"), max_length=32, max_train_samples=32,
    max_eval_samples=24, num_train_epochs=1,
)  # fmt: skip


class Repository:
    """A user's repository, with a checkpoint of a GPT-2 in `ours`, and what it comes to."""

    def __init__(self, runner: Runner, root: Path) -> None:
        """Make a tiny GPT-2 and keep it as a checkpoint."""
        tickets.write(root / "data" / "tickets.csv", rows=200)
        self.root, self.folder = root, root / "ours"
        self.runner = Runner(settings=Settings(store=root / "store"), session=uuid.uuid4().hex)
        self.runner.launcher.close()
        self.runner.launcher = runner.launcher
        self.runner.inputs.sources = Sources(hub=False)
        shrunk = self.runner.inputs.find(self.cell(Model(config={"model_type": "gpt2"}), "tiny"))
        shutil.copytree(shrunk.model, self.folder)

    def cell(self, model: Model, scale: Any = "full", **fields: Any) -> Cell:
        """A cell of a model, with some fields set."""
        recipe = replace(RECIPE, model=model, **fields)
        return Cell.of(name="own", recipe=recipe, scale=scale, device="cpu", root=self.root)

    def train(self, model: Model | None = None, **fields: Any) -> Record:
        """The record of the full scale."""
        return self.runner.run(self.cell(model or Model(path="ours"), **fields)).record

    def edit(self, file: str, **fields: Any) -> None:
        """Write other fields into a JSON file of the checkpoint; None takes one out."""
        path = self.folder / file
        values = {**json.loads(path.read_text("utf-8")), **fields}
        kept = {name: value for name, value in values.items() if value is not None}
        path.write_text(json.dumps(kept), encoding="utf-8")


@pytest.fixture
def repository(runner: Runner, tmp_path: Path) -> Repository:
    """A user's repository."""
    return Repository(runner, tmp_path)


def shard(repository: Repository) -> None:
    """Split the weights into two files with an index."""
    path = repository.folder / "model.safetensors"
    tensors = load_file(path)
    halves: list[dict[str, Any]] = [{}, {}]
    for index, (name, tensor) in enumerate(sorted(tensors.items())):
        halves[index % 2][name] = tensor
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    for name, part in zip(names, halves, strict=True):
        save_file(part, repository.folder / name, metadata={"format": "pt"})
    placed = {key: name for name, part in zip(names, halves, strict=True) for key in part}
    listed = json.dumps({"metadata": {"total_size": 0}, "weight_map": placed})
    (repository.folder / "model.safetensors.index.json").write_text(listed, "utf-8")
    path.unlink()


def test_a_sharded_decoder_without_padding_trains(repository: Repository) -> None:
    """Its end of sequence pads, as users have it; the head knows, and the saved model says so."""
    shard(repository)
    repository.edit("tokenizer_config.json", pad_token=None)
    repository.edit("config.json", pad_token_id=None)
    record = repository.train()
    assert record.tokenizer["pads_with_eos"] == 1
    assert record.arguments["num_train_epochs"] == 1
    results = evaluate.judge_all("run", record)
    assert {n: r.message for n, r in results.items() if r.outcome == "fails"} == {}


def test_a_tokenizer_may_lie_elsewhere(repository: Repository) -> None:
    """`Model(tokenizer=…)` names its folder."""
    elsewhere = repository.root / "words"
    elsewhere.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.move(repository.folder / name, elsewhere / name)
    assert repository.train(Model(path="ours", tokenizer="words")).sizes["train"] == 32


@pytest.mark.parametrize("peft", [None, pytest.param({"r": 4}, marks=needs_peft)])
def test_a_head_that_was_trained_before_is_no_fresh_one(
    repository: Repository, peft: dict[str, Any] | None
) -> None:
    """A fine-tuned checkpoint is fine-tuned further: its head is not new, nor its loss chance."""
    path = repository.folder / "model.safetensors"
    tensors = {f"transformer.{name}": tensor for name, tensor in load_file(path).items()}
    tensors["score.weight"] = np.full((3, 64), 0.01, np.float32)
    save_file(tensors, path, metadata={"format": "pt"})
    record = repository.train(peft=peft)
    assert record.held_head == ("score.weight",)
    assert evaluate.judge("test_only_head_is_new", record).outcome == "holds"
    assert evaluate.judge("test_first_loss_is_chance", record).outcome == "skips"
    lost = replace(record, newly_initialized=("score.weight",))
    assert evaluate.judge("test_only_head_is_new", lost).outcome == "fails"


Spoil = Callable[[Repository], object]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda r: (r.folder / "model.safetensors").rename(r.folder / "pytorch_model.bin"),
         "pickled weights run code"),
        (lambda r: r.edit("config.json", auto_map={"AutoModel": "ours.Model"}), "auto_map"),
        (lambda r: r.edit("tokenizer_config.json", tokenizer_class="OurTokenizer",
                          auto_map={"AutoTokenizer": ["o.T", None]}), "has an auto_map"),
        (lambda r: r.edit("tokenizer_config.json", pad_token=None, eos_token=None,
                          bos_token=None, unk_token=None, tokenizer_class="TokenizersBackend"),
         "without a padding token"),
        (lambda r: r.edit("config.json", n_embd=10**9), "n_embd is 1000000000"),
        (lambda r: r.edit("config.json", vocab_size=40), "is refused"),
        (lambda r: r.edit("config.json", model_type="ours"), "describes no model"),
        (lambda r: (r.folder / "config.json").write_text("{", "utf-8"), "is not JSON"),
        (lambda r: r.folder.rename(r.root / "moved") and r.folder.write_text("x"), "is a file"),
        (lambda r: shutil.rmtree(r.folder), "'ours' was not found"),
    ],
)  # fmt: skip
def test_what_must_not_be_loaded_is_refused(
    repository: Repository, spoil: Spoil, message: str
) -> None:
    """One error that names the file or the field; no record is left."""
    spoil(repository)
    with pytest.raises(SourceError, match=message):
        repository.train()
    assert not [*(repository.root / "store" / "records").glob("*/*")]

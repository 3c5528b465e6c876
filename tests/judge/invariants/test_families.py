"""Families: laws hold for models whose formulas nobody wrote, and notice what breaks there."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.core.dataset import Dataset
from harness.core.model import Model
from harness.core.recipe import Recipe
from harness.judge import catalog
from harness.judge.cell import Cell
from harness.judge.runs.runner import Runner
from harness.judge.suite import evaluate
from harness.judge.suite.base import Suite
from tests import tickets
from tests.benchmarks import families
from tests.conftest import Fault

PADDING_LEAKS = """
from transformers.models.roberta.modeling_roberta import RobertaModel
forward = RobertaModel.forward
def leaking(self, input_ids=None, attention_mask=None, *args, **kwargs):
    return forward(self, input_ids, None, *args, **kwargs)
RobertaModel.forward = leaking
"""
"""Attention sees padding: invisible to whoever computes with the same model and the same batch."""

PADDING_READ = """
from transformers.models.qwen2.modeling_qwen2 import Qwen2ForSequenceClassification as Classifier
forward = Classifier.forward
def last(self, input_ids=None, attention_mask=None, **kwargs):
    self.config.pad_token_id, kept = -1, self.config.pad_token_id
    try:
        return forward(self, input_ids, attention_mask, **kwargs)
    finally:
        self.config.pad_token_id = kept
Classifier.forward = last
"""
"""The head reads the last position, padding or not."""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's repository with a file of tickets."""
    root = tmp_path_factory.mktemp("repository")
    tickets.write(root / "data" / "tickets.csv")
    return root


def cell_of(root: Path, family: str, **fields: Any) -> Cell:
    """A tiny cell of a family on tickets."""
    config = {"model_type": family, **families.FAMILIES[family]}
    dataset = Dataset(path="data/tickets.csv", texts=("subject", "body"), label="queue")
    recipe = Recipe(dataset=dataset, model=Model(config=config), max_length=128, **fields)
    return Cell.of(name=family, recipe=catalog.tiny(recipe), scale="tiny", device="cpu", root=root)


def failing(trials: Any) -> set[str]:
    """Names of the relations that do not hold."""
    results = evaluate.judge_all("trials", trials)
    return {name for name, result in results.items() if result.outcome == "fails"}


def test_relations_hold_without_formulas(runner: Runner, repository: Path) -> None:
    """Loss, gradient, clipping, update and predictions are held to the model itself, unpadded."""
    trials = runner.trials(cell_of(repository, "roberta", loop="pytorch"))
    assert failing(trials) == set()
    assert not trials.answers.narrowings
    held = evaluate.judge_all("trials", trials)
    assert held["test_loss_and_gradient_are_the_formulas"].outcome == "holds"
    stages = held["test_stages_are_the_formulas"]
    assert stages.outcome == "skips"
    assert "not observable: no formulas are written for roberta" in stages.message


def test_padding_that_leaks_is_noticed(runner: Runner, repository: Path, fault: Fault) -> None:
    """Batches do not agree with examples alone: the reference pads nothing."""
    cell = cell_of(repository, "roberta", loop="pytorch")
    trials = runner.try_faulty(cell, fault(PADDING_LEAKS), ("reference",))
    broken = failing(trials)
    assert {
        "test_examples_stand_alone",
        "test_loss_and_gradient_are_the_formulas",
        "test_predictions_belong_to_their_examples",
    } <= broken


def test_single_precision_inside_is_seen(runner: Runner, repository: Path, fault: Fault) -> None:
    """A model that rounds is held to float32's rounding, by what it does and not by its name.

    Within that, a head that reads the wrong position is still seen.
    """
    cell = cell_of(repository, "qwen2", loop="pytorch")
    trials = runner.trials(cell)
    assert [*trials.answers.narrowings] == ["Qwen2RMSNorm"]
    assert failing(trials) == set()
    broken = failing(runner.try_faulty(cell, fault(PADDING_READ), ("reference",)))
    assert "test_examples_stand_alone" in broken


@pytest.fixture
def record(runner: Runner, repository: Path) -> Any:
    """The record of a model that pads on the left."""
    return runner.run(cell_of(repository, "llama", num_train_epochs=1)).record


def test_padding_on_the_left_is_the_tokenizers(record: Any) -> None:
    """Where positions are relative, a tokenizer may pad on the left, in every batch."""
    suite = Suite()
    suite.test_padding_follows_the_tokens(record)
    absolute = replace(record, tokenizer={**record.tokenizer, "has_positions": 1})
    with pytest.raises(AssertionError, match="padding before a token"):
        suite.test_padding_follows_the_tokens(absolute)
    right = replace(record, batches=tuple(replace(batch, leading=0) for batch in record.batches))
    with pytest.raises(AssertionError, match="padding before a token"):
        suite.test_padding_follows_the_tokens(right)


def test_laws_of_tokens_and_heads_know_no_family(runner: Runner, repository: Path) -> None:
    """`<s> a </s></s> b </s>`, and a head of two layers: what is lost or too many is noticed."""
    record = runner.run(cell_of(repository, "roberta", num_train_epochs=1)).record
    suite = Suite()
    suite.test_sentences_stand_between_special_tokens(record)
    suite.test_head_has_one_row_a_label(record)
    first, *others = record.examples
    ids, frame = first.columns["input_ids"], first.frame
    for spoilt in (
        replace(first, frame=frame[:-1], columns={**first.columns, "input_ids": ids[:-1]}),
        replace(first, columns={**first.columns, "input_ids": (ids[0], *ids[2:])}),
    ):
        broken = replace(record, examples=(spoilt, *others))
        with pytest.raises(AssertionError, match="tokens of an example"):
            suite.test_sentences_stand_between_special_tokens(broken)
    wider = tuple(replace(p, shape=(4, *p.shape[1:])) for p in record.parameters)
    with pytest.raises(AssertionError, match=r"classifier\.out_proj\.weight: rows"):
        suite.test_head_has_one_row_a_label(replace(record, parameters=wider))


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.parametrize("family", ["roberta", "llama"])
def test_every_law_holds_or_is_known(family: str, tmp_path: Path) -> None:
    """In all three loops, as a user would judge it.

    Of an encoder whose positions begin late, and a decoder that pads on the left and narrows; the
    other families take minutes: a workflow runs them all, as `python -m tests.benchmarks.families`.
    """
    record = families.judge(family, tmp_path)
    failed = {test: o["message"] for test, o in record["outcomes"].items() if o["outcome"] in {
        "failed", "error"
    }}  # fmt: skip
    assert failed == {}
    assert len(record["cells"]) == 3

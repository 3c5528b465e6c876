"""Splits: data that make training meaningless fail, and say which data and how much of them."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.judge import tolerances
from harness.judge.invariants import chance
from harness.judge.runs.sources import embedded

SUITES = """
from harness import Recipe, Suite, Thresholds

def recipe(dataset):
    return Recipe(
        dataset=dataset, max_length=32, num_train_epochs=1, save_model=False, save_state=False
    )

class TestStrange(Suite):
    recipe = recipe("imdb")

class TestTaught(Suite):
    recipe = recipe("glue/mrpc")

class TestPermitted(Suite):
    recipe = recipe("glue/mrpc")
    thresholds = Thresholds(overlap=0.6)

class TestAlone(Suite):
    recipe = recipe("yelp_review_full")
"""

ROWS_OF_DATA = "rows_are_enough or classes_are_several or not_trained or unknown or constant"

FAILURES = {
    "TestStrange::test_classes_are_several": "train: all 40 labels are 'pos': of neg, pos",
    "TestStrange::test_evaluated_rows_were_not_trained": (
        "evaluation: 20 of 20 rows (100.0%) were trained on, and Thresholds(overlap=0.01)"
        " permits 1.0%; 39 of 40 training rows repeat another"
    ),
    "TestStrange::test_few_tokens_are_unknown": "train: 80 of 160 tokens (50.0%) are unknown",
    "TestTaught::test_evaluated_rows_were_not_trained": "evaluation: 200 of 400 rows (50.0%)",
    "TestTaught::test_model_beats_a_constant_answer": "By accuracy, a model that has learnt",
    "TestPermitted::test_model_beats_a_constant_answer": "By accuracy, a model that has learnt",
    "TestAlone::test_rows_are_enough": "train: 1 rows: a run tells nothing below 10",
    "TestAlone::test_classes_are_several": "train: all 1 labels are '1 star'",
}


def plant(folder: Path) -> None:
    """Write a source folder of data that train without an error and mean nothing."""
    shutil.copytree(embedded() / "models", folder / "models")

    def write(dataset: str, split: str, table: pa.Table) -> None:
        (folder / "datasets" / dataset).mkdir(parents=True, exist_ok=True)
        pq.write_table(table, folder / "datasets" / dataset / f"{split}.parquet")

    strange = [f"{'☃' * (row + 1)} {'☂' * (row + 1)}" for row in range(60)]
    write("imdb", "train", pa.table({"text": strange[:40], "label": [1] * 40}))
    write("imdb", "test", pa.table({"text": strange[40:], "label": [0, 1] * 10}))
    pairs = pq.read_table(embedded() / "datasets" / "mrpc" / "train.parquet")
    mixed = np.random.default_rng(0).permutation(pairs["label"].to_numpy())
    pairs = pairs.set_column(pairs.column_names.index("label"), "label", pa.array(mixed))
    write("mrpc", "train", pairs.slice(0, 480))
    write("mrpc", "validation", pairs.slice(280, 400))
    stars = pq.read_table(embedded() / "datasets" / "yelp_review_full" / "test.parquet")
    first = stars["label"].to_pylist().index(0)
    write("yelp_review_full", "train", stars.slice(first, 1))
    write("yelp_review_full", "test", stars.slice(first + 1, 40))


def test_meaningless_data_fail(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """One label, one row, trained rows, unknown words and labels without a reason: each fails."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    plant(pytester.path / "planted")
    pytester.makepyfile(test_planted=SUITES)
    where = ("--harness-sources=planted", "--harness-scale=full", "--harness-device=cpu")
    result = pytester.runpytest_subprocess(*where, "-k", ROWS_OF_DATA, "-rf")
    failed = {
        line.removeprefix("FAILED test_planted.py::").partition("[")[0]
        for line in result.outlines
        if line.startswith("FAILED")
    }
    assert failed == FAILURES.keys()
    output = result.stdout.str()
    assert [name for name, message in FAILURES.items() if message not in output] == []
    assert result.parseoutcomes()["failed"] == len(FAILURES)


LABELS = st.lists(st.integers(0, 3), min_size=1, max_size=300)


def all_tallies(predicted: Sequence[int], labels: Sequence[int]) -> list[chance.Tally]:
    """What every test makes of predictions."""
    ids: tuple[Any, Any] = (np.asarray(predicted), np.asarray(labels))
    return [chance.of_accuracy(*ids), chance.of_binary_f1(*ids), chance.of_agreement(*ids)]


@settings(deadline=None)
@given(labels=LABELS, constant=st.integers(0, 3))
def test_no_constant_answer_is_better_than_the_best(labels: list[int], constant: int) -> None:
    """One answer for every row is never taken for something learnt, whatever the labels."""
    for tally in all_tallies([constant] * len(labels), labels):
        assert tally.p_value > tolerances.CHANCE


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_answers_at_random_are_rarely_better(share: float) -> None:
    """Of a thousand models that guess, no test takes more than it may for one that learnt."""
    draw = np.random.default_rng(0)
    better = np.zeros(3)
    for _ in range(1_000):
        labels, predicted = (draw.random((2, 200)) < share).astype(int)
        better += [tally.p_value <= 0.05 for tally in all_tallies(predicted, labels)]
    assert better.max() <= 70  # 5 %, and three standard deviations


def test_rare_labels_are_learnt_by_f1_alone() -> None:
    """A model that tells rare rows at as many false alarms is better by F1, and not by accuracy."""
    labels = np.repeat([1, 0], [50, 950])
    predicted = np.concatenate([np.repeat([1, 0], [30, 20]), np.repeat([1, 0], [30, 920])])
    assert chance.of_accuracy(predicted, labels).p_value > 0.4
    assert chance.of_binary_f1(predicted, labels).p_value < tolerances.CHANCE
    assert chance.of_agreement(predicted, labels).p_value < tolerances.CHANCE

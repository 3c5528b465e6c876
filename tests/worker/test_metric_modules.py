"""The metric modules score as scikit-learn does, by path and without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from harness.judge.invariants import metrics as judged
from tests.repositories import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

METRICS = ROOT / "fixtures" / "metrics"
TOLERANCE = 1e-12


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Load a metric by its path; importing evaluate takes seconds, so only once it is needed."""
    import evaluate

    cache = tmp_path_factory.mktemp("metrics")

    def by_path(name: str, config: str | None = None) -> Any:
        return evaluate.load(str(METRICS / name), config, cache_dir=str(cache))

    return by_path


def columns(labels: int) -> st.SearchStrategy[tuple[list[int], list[int]]]:
    """Draw predictions and references of equal length over the first few labels."""
    row = st.tuples(st.integers(0, labels - 1), st.integers(0, labels - 1))
    return st.lists(row, min_size=1, max_size=40).map(
        lambda rows: ([p for p, _ in rows], [r for _, r in rows]),
    )


few = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def accuracy(load: Callable[..., Any]) -> Any:
    """Accuracy, loaded once."""
    return load("accuracy")


@pytest.fixture(scope="module")
def f1(load: Callable[..., Any]) -> Any:
    """F1, loaded once."""
    return load("f1")


@pytest.fixture(scope="module")
def mrpc(load: Callable[..., Any]) -> Any:
    """GLUE's metric for MRPC, loaded once."""
    return load("glue", "mrpc")


@few
@given(rows=columns(4), normalize=st.booleans())
def test_accuracy_equals_scikit_learn(
    accuracy: Any,
    rows: tuple[list[int], list[int]],
    *,
    normalize: bool,
) -> None:
    """The share or the number of right predictions is scikit-learn's."""
    predictions, references = rows
    score = accuracy.compute(predictions=predictions, references=references, normalize=normalize)
    expected = accuracy_score(references, predictions, normalize=normalize)
    assert score["accuracy"] == pytest.approx(expected, abs=TOLERANCE)


@few
@given(rows=columns(4), average=st.sampled_from(["micro", "macro", "weighted", None]))
def test_averaged_f1_equals_scikit_learn(
    f1: Any,
    rows: tuple[list[int], list[int]],
    average: str | None,
) -> None:
    """Every average over several labels is scikit-learn's, and so is the score of each label."""
    predictions, references = rows
    score = f1.compute(predictions=predictions, references=references, average=average)["f1"]
    expected = f1_score(references, predictions, average=average, zero_division=0)
    assert np.atleast_1d(score) == pytest.approx(np.atleast_1d(expected), abs=TOLERANCE)


@few
@given(rows=columns(2), pos_label=st.sampled_from([0, 1]))
def test_binary_f1_equals_scikit_learn(
    f1: Any,
    rows: tuple[list[int], list[int]],
    pos_label: int,
) -> None:
    """The score of one of two labels is scikit-learn's, or both refuse the label."""
    predictions, references = rows
    call = {"predictions": predictions, "references": references, "pos_label": pos_label}
    try:
        expected = f1_score(references, predictions, pos_label=pos_label, zero_division=0)
    except ValueError:
        with pytest.raises(ValueError, match="pos_label"):
            f1.compute(**call)
    else:
        assert f1.compute(**call)["f1"] == pytest.approx(expected, abs=TOLERANCE)


@few
@given(rows=columns(4), average=st.sampled_from(["macro", "micro", "weighted"]))
def test_f1_is_recomputed_as_scikit_learn_does(
    rows: tuple[list[int], list[int]], average: str
) -> None:
    """The invariant that judges a reported F1 knows every average that a data set may name."""
    predictions, references = map(np.asarray, rows)
    expected = f1_score(references, predictions, average=average, zero_division=0)
    assert judged.f1(predictions, references, average) == pytest.approx(expected, abs=TOLERANCE)


@few
@given(data=st.data(), average=st.sampled_from(["macro", "micro", "weighted"]))
def test_f1_of_several_labels_is_recomputed_as_scikit_learn_does(
    data: st.DataObject, average: str
) -> None:
    """The same of examples that have any number of labels."""
    rows = st.lists(st.lists(st.integers(0, 1), min_size=3, max_size=3), min_size=6, max_size=6)
    predictions, references = (np.asarray(data.draw(rows)) for _ in range(2))
    expected = f1_score(references, predictions, average=average, zero_division=0)
    ours = judged.f1_of_indicators(predictions, references, average)
    assert ours == pytest.approx(expected, abs=TOLERANCE)


@few
@given(rows=columns(2))
def test_glue_scores_mrpc_as_scikit_learn(
    mrpc: Any,
    rows: tuple[list[int], list[int]],
) -> None:
    """MRPC is scored by accuracy and F1; nothing predicted and nothing there scores zero."""
    predictions, references = rows
    score = mrpc.compute(predictions=predictions, references=references)
    expected = {
        "accuracy": accuracy_score(references, predictions),
        "f1": f1_score(references, predictions, labels=[1], average="macro", zero_division=0),
    }
    assert score == pytest.approx(expected, abs=TOLERANCE)


@few
@given(rows=columns(2), size=st.integers(1, 7))
def test_batches_score_as_the_whole(
    mrpc: Any,
    rows: tuple[list[int], list[int]],
    size: int,
) -> None:
    """Rows added batch by batch score what they score at once."""
    predictions, references = rows
    whole = mrpc.compute(predictions=predictions, references=references)
    for start in range(0, len(references), size):
        part = slice(start, start + size)
        mrpc.add_batch(predictions=predictions[part], references=references[part])
    assert mrpc.compute() == whole


def test_an_unknown_glue_subset_is_refused_with_the_list(load: Callable[..., Any]) -> None:
    """The message of the refusal names the subsets that there are."""
    with pytest.raises(KeyError, match=r"'cola'.*'mrpc'"):
        load("glue", "cola")


def test_a_multiclass_binary_average_is_refused(f1: Any) -> None:
    """Three labels have no binary average, as in scikit-learn."""
    with pytest.raises(ValueError, match="macro"):
        f1.compute(predictions=[0, 1, 2], references=[0, 1, 1])


def test_a_misspelt_argument_is_refused(accuracy: Any) -> None:
    """A column of the wrong name never passes for an empty one."""
    with pytest.raises(ValueError, match="prediction"):
        accuracy.add_batch(prediction=[1], references=[1])


def test_sample_weights_count(
    accuracy: Any,
    f1: Any,
) -> None:
    """A row of weight three counts as three rows of weight one."""
    rows = {"predictions": [1, 0, 1], "references": [1, 1, 0]}
    assert accuracy.compute(**rows, sample_weight=[3, 1, 1])["accuracy"] == pytest.approx(0.6)
    assert f1.compute(**rows, sample_weight=[3, 1, 1])["f1"] == pytest.approx(0.75)

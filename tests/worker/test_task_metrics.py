"""Metrics of other tasks than one label an example score as scikit-learn and SciPy do."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sklearn

from harness.core.metric_names import average_of, module_of
from harness.core.schema import Schema
from harness.worker import metric_modules
from tests.repositories import ROOT

METRICS = ROOT / "fixtures" / "metrics"
few = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
Compute = Callable[[str, Any, Any], dict[str, float]]


@pytest.fixture(scope="module")
def compute() -> Compute:
    """Computes a metric by its name, as a run of a task does."""
    loaded: dict[tuple[str, str], metric_modules.MetricModules] = {}

    def by_name(name: str, predictions: Any, references: Any) -> dict[str, float]:
        several = np.ndim(predictions) > 1
        task: Any = "multi_label_classification" if several else "single_label_classification"
        key = (name, task)
        if key not in loaded:
            schema = Schema(texts=("text",), label_names=("a", "b"), task=task)
            paths = {name: str(METRICS / module_of(name)[0])}
            loaded[key] = metric_modules.load(paths, "binary", schema)
        return loaded[key].compute(predictions, references)

    return by_name


@few
@given(rows=st.lists(st.tuples(*[st.integers(0, 1)] * 6), min_size=1, max_size=30))
def test_several_labels_score_as_sklearns(compute: Compute, rows: list[tuple[int, ...]]) -> None:
    """F1 of indicators in each average, under a name of its own; and whole rows that are right."""
    values = np.asarray(rows)
    predicted, true = values[:, :3], values[:, 3:]
    for average in ("micro", "macro", "weighted"):
        name = f"f1_{average}"
        expected = sklearn.f1_score(true, predicted, average=average, zero_division=0)
        assert compute(name, predicted, true) == {name: pytest.approx(expected)}
    whole = sklearn.accuracy_score(true, predicted)
    assert compute("accuracy", predicted, true) == {"accuracy": pytest.approx(whole)}


@few
@given(rows=st.lists(st.tuples(*[st.floats(-9, 9, width=32)] * 2), min_size=3, max_size=30))
def test_numbers_score_as_scipys(compute: Compute, rows: list[tuple[float, float]]) -> None:
    """Errors and correlations; a constant correlates with nothing."""
    predicted, true = np.asarray(rows, np.float32).T
    squared = sklearn.mean_squared_error(true.astype(float), predicted.astype(float))
    assert compute("mse", predicted, true)["mse"] == pytest.approx(squared)
    absolute = sklearn.mean_absolute_error(true.astype(float), predicted.astype(float))
    assert compute("mae", predicted, true)["mae"] == pytest.approx(absolute)
    constant = np.ptp(predicted) == 0 or np.ptp(true) == 0
    spearman = 0.0 if constant else stats.spearmanr(predicted, true).statistic
    assert compute("spearmanr", predicted, true)["spearmanr"] == pytest.approx(spearman, abs=1e-9)
    if not constant and min(np.ptp(predicted), np.ptp(true)) > 1e-3:
        pearson = stats.pearsonr(predicted.astype(float), true.astype(float)).statistic
        assert compute("pearsonr", predicted, true)["pearsonr"] == pytest.approx(pearson, abs=1e-6)


@few
@given(rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_matthews_is_sklearns(compute: Compute, rows: list[tuple[int, int]]) -> None:
    """Of any number of labels."""
    predicted, true = np.asarray(rows).T
    one = len(np.union1d(predicted, true)) == 1  # of which scikit-learn warns
    expected = 0.0 if one else sklearn.matthews_corrcoef(true, predicted)
    ours = compute("matthews_correlation", predicted, true)["matthews_correlation"]
    assert ours == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("predicted", "true", "entities"),
    [
        ("B-LOC I-LOC O", "B-LOC I-LOC O", (1, 1, 1)),
        ("B-LOC O O", "B-LOC I-LOC O", (0, 1, 1)),  # half an entity is none
        ("I-LOC I-LOC O", "B-LOC I-LOC O", (1, 1, 1)),  # one that begins inside begins there
        ("B-LOC B-LOC O", "B-LOC I-LOC O", (0, 2, 1)),
        ("B-PER I-LOC O", "B-LOC I-LOC O", (0, 2, 1)),  # another type ends it
        ("O O B-PER", "O O B-PER", (1, 1, 1)),
        ("O O O", "O O O", (0, 0, 0)),
    ],
)
def test_entities_are_right_whole(
    compute: Compute, predicted: str, true: str, entities: tuple[int, int, int]
) -> None:
    """By hand: right, claimed and actual entities of each row."""
    right, claimed, actual = entities
    scores = compute("seqeval", [predicted.split()], [true.split()])
    assert scores["overall_precision"] == (right / claimed if claimed else 0)
    assert scores["overall_recall"] == (right / actual if actual else 0)
    assert scores["overall_f1"] == (2 * right / (claimed + actual) if claimed + actual else 0)
    same = sum(a == b for a, b in zip(predicted.split(), true.split(), strict=True))
    assert scores["overall_accuracy"] == same / 3


def test_perplexity_is_the_exponential_of_the_mean(compute: Compute) -> None:
    """Of a token's loss: a model that is sure has 1."""
    assert compute("perplexity", [0.0, 0.0], [1, 2]) == {"perplexity": 1.0}
    losses = [0.5, 1.5, 4.0]
    assert compute("perplexity", losses, [1, 2, 3])["perplexity"] == pytest.approx(np.exp(2.0))


@pytest.mark.parametrize(
    ("name", "module", "average"),
    [
        ("f1_macro", ("f1", ""), "macro"),
        ("glue/mrpc", ("glue", "mrpc"), ""),
        ("accuracy", ("accuracy", ""), ""),
        ("matthews_correlation", ("matthews_correlation", ""), ""),
    ],
)
def test_names_say_module_and_average(name: str, module: tuple[str, str], average: str) -> None:
    """Only what is averaged over labels ends with an average."""
    assert (module_of(name), average_of(name)) == (module, average)

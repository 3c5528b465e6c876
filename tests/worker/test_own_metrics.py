"""A metric may be a function of the user's: computed whole or in batches, and part of the key."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.core.dataset import Dataset
from harness.core.errors import SourceError
from harness.core.recipe import Recipe
from harness.core.schema import Schema
from harness.judge.cell import Cell
from harness.judge.reported_metrics import metric_names
from harness.judge.runs.runner import Runner
from harness.worker import metric_modules

SCHEMA = Schema(texts=("text",), label_names=("a", "b"))

CODE = """
def share(predictions, references):
    return sum(p == r for p, r in zip(predictions, references)) / len(references)

def words(predictions, references):
    return "many"

def broken(predictions, references):
    raise ValueError("no idea")
"""


def modules(root: Path, *names: str) -> metric_modules.MetricModules:
    """Metrics of a file that is written."""
    (root / "own_metrics.py").write_text(CODE, encoding="utf-8")
    return metric_modules.load({name: str(root) for name in names}, "binary", SCHEMA)


def test_a_function_is_a_metric(tmp_path: Path) -> None:
    """By its own name; the same of batches."""
    own = modules(tmp_path, "own_metrics:share")
    predicted, true = np.asarray([0, 1, 1, 0]), np.asarray([0, 1, 0, 0])
    assert own.compute(predicted, true) == {"share": 0.75}
    assert own.compute_in_batches(predicted, true, 3) == {"share": 0.75}
    assert metric_names(["own_metrics:share"]) == ("share", "loss")


@pytest.mark.parametrize(
    ("name", "message"),
    [("words", "returns a str"), ("broken", "no idea"), ("absent", "cannot be imported")],
)
def test_what_is_no_metric_is_said(tmp_path: Path, name: str, message: str) -> None:
    """Whether the function is not there, raises, or returns something else."""
    with pytest.raises(SourceError, match=message):
        modules(tmp_path, f"own_metrics:{name}").compute([0], [0])


def cell_of(root: Path, *metrics: str) -> Cell:
    """A cell of a user's rows and metrics."""
    rows: Any = [f"{kind} film no. {n},{kind}" for n in range(30) for kind in ("good", "bad")]
    (root / "films.csv").write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    dataset = Dataset(path="films.csv", texts="text", metrics=metrics)
    return Cell.of(name="x", recipe=Recipe(dataset=dataset), scale="tiny", device="cpu", root=root)


@pytest.mark.slow
def test_an_edited_function_is_another_key(runner: Runner, tmp_path: Path) -> None:
    """Its file decides what a run reports, as a module's does."""
    path = tmp_path / "own_metrics.py"
    path.write_text(CODE, encoding="utf-8")
    inputs = runner.inputs.find(cell_of(tmp_path, "own_metrics:share", "accuracy"))
    before = inputs.digests()
    path.write_text(CODE + "\n# edited\n", encoding="utf-8")
    after = inputs.digests()
    assert after.pop("metrics") != before.pop("metrics")
    assert after == before


@pytest.mark.slow
def test_a_misspelt_metric_is_refused(runner: Runner, tmp_path: Path) -> None:
    """With the nearest, and not as something that is not measured."""
    with pytest.raises(SourceError, match="did you mean 'accuracy'"):
        runner.inputs.find(cell_of(tmp_path, "acuracy"))

"""Fine-tuning regression tests for Hugging Face models, in pytest's own words.

The names a suite needs are imported on first use: the judged environment loads this package
too, and must be able to do so without pytest.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.core.dataset import Dataset
    from harness.core.model import Model
    from harness.core.recipe import Recipe
    from harness.core.record import Record
    from harness.judge.declarations import Matrix, Thresholds
    from harness.judge.suite.base import Benchmark, Suite

__all__ = ["Benchmark", "Dataset", "Matrix", "Model", "Recipe", "Record", "Suite", "Thresholds"]

_HOMES = {
    "Benchmark": "harness.judge.suite.base",
    "Dataset": "harness.core.dataset",
    "Matrix": "harness.judge.declarations",
    "Model": "harness.core.model",
    "Recipe": "harness.core.recipe",
    "Record": "harness.core.record",
    "Suite": "harness.judge.suite.base",
    "Thresholds": "harness.judge.declarations",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _HOMES:
        message = f"module 'harness' has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)

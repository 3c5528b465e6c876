"""Metrics in the judged environment: `evaluate` modules loaded by path, never by name.

By name, `evaluate.load` asks the Hub; a run must compute the same thing with no network.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import evaluate
import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricModules:
    """The metrics of one data set.

    Attributes:
        modules: loaded `evaluate` modules by name.
        options: keyword arguments of each module's `compute`.
    """

    modules: Mapping[str, Any]
    options: Mapping[str, Mapping[str, Any]]

    def compute(self, predictions: Ids, references: Ids) -> dict[str, float]:
        """All metrics at once; both arrays are (examples,) label ids."""
        metrics: dict[str, float] = {}
        for name, module in self.modules.items():
            metrics |= module.compute(
                predictions=predictions, references=references, **self.options[name]
            )
        return {name: float(value) for name, value in metrics.items()}

    def add_batch(self, predictions: Ids, references: Ids) -> None:
        """Keep a batch's label ids for `compute_added`."""
        for module in self.modules.values():
            module.add_batch(predictions=predictions, references=references)

    def compute_added(self) -> dict[str, float]:
        """All metrics of what was added since the last time."""
        metrics: dict[str, float] = {}
        for name, module in self.modules.items():
            metrics |= module.compute(**self.options[name])
        return {name: float(value) for name, value in metrics.items()}

    def compute_in_batches(self, predictions: Ids, references: Ids, size: int) -> dict[str, float]:
        """The same through `add_batch`, `size` examples at a time."""
        for start in range(0, len(references), size):
            rows = slice(start, start + size)
            self.add_batch(predictions[rows], references[rows])
        return self.compute_added()

    def refusal_of_singular(self, predictions: Ids, references: Ids) -> str:
        """Name of the exception that `compute(prediction=…)` raises; empty if none."""
        module = next(iter(self.modules.values()))
        try:
            module.compute(prediction=predictions, references=references)
        except (ValueError, TypeError) as error:
            return type(error).__name__
        return ""


def load(paths: Mapping[str, str], f1_average: str) -> MetricModules:
    """Load metric modules: `{"glue/mrpc": folder}` loads configuration `mrpc` of that folder."""
    modules: dict[str, Any] = {}
    options: dict[str, Mapping[str, Any]] = {}
    for name, path in paths.items():
        _, _, configuration = name.partition("/")
        modules[name] = evaluate.load(path, configuration or None)
        options[name] = {"average": f1_average} if name == "f1" else {}
    return MetricModules(modules=modules, options=options)

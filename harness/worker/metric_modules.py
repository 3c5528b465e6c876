"""Metrics in the judged environment: `evaluate` modules loaded by path, and a user's functions.

By name, `evaluate.load` asks the Hub; a run must compute the same thing with no network.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import evaluate
import numpy as np

from harness.core.dataset import is_reference
from harness.core.errors import SourceError
from harness.core.metric_names import average_of, module_of
from harness.core.schema import Schema
from harness.worker import user_code


class OwnMetric:
    """A user's function of predictions and references, as a module of `evaluate` is used."""

    def __init__(self, reference: str, root: str) -> None:
        """Import nothing yet.

        Args:
            reference: `module:function`; the function returns a number.
            root: of the repository that the module is imported from.
        """
        self.reference, self.root = reference, root
        self.added: list[tuple[Any, Any]] = []

    def add_batch(self, *, predictions: Any, references: Any) -> None:
        """Keep a batch."""
        self.added.append((predictions, references))

    def compute(self, *, predictions: Any = None, references: Any = None) -> dict[str, float]:
        """The function's number, by its name, of what is given, or else of what was added.

        Raises:
            SourceError: the function raises, or returns something else.
        """
        if predictions is None:
            batches, self.added = self.added, []
            joined = (_joined([batch[part] for batch in batches]) for part in (0, 1))
            predictions, references = joined
        value = user_code.called(self.reference, self.root, predictions, references)
        try:
            return {self.reference.rpartition(":")[2].rpartition(".")[2]: float(value)}
        except (TypeError, ValueError):
            raise SourceError(
                f"{self.reference} returns a {type(value).__name__}", fix="return a number"
            ) from None


def _joined(batches: Sequence[Any]) -> Any:
    """Arrays, or lists of rows, one after the other."""
    if all(isinstance(batch, np.ndarray) for batch in batches):
        return np.concatenate(batches)
    return [row for batch in batches for row in batch]


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricModules:
    """The metrics of one data set.

    Predictions and references are what `Objective.measured` gives: (examples,) label ids of a
    single label, (examples, labels) indicators of several, numbers, or lists of labels.

    Attributes:
        modules: loaded `evaluate` modules by name.
        options: keyword arguments of each module's `compute`.
    """

    modules: Mapping[str, Any]
    options: Mapping[str, Mapping[str, Any]]

    def compute(self, predictions: Any, references: Any) -> dict[str, float]:
        """All metrics at once."""
        return self._reported(
            lambda module, options: module.compute(
                predictions=predictions, references=references, **options
            )
        )

    def add_batch(self, predictions: Any, references: Any) -> None:
        """Keep a batch's predictions for `compute_added`."""
        for module in self.modules.values():
            module.add_batch(predictions=predictions, references=references)

    def compute_added(self) -> dict[str, float]:
        """All metrics of what was added since the last time."""
        return self._reported(lambda module, options: module.compute(**options))

    def compute_in_batches(self, predictions: Any, references: Any, size: int) -> dict[str, float]:
        """The same through `add_batch`, `size` examples at a time."""
        for start in range(0, len(references), size):
            rows = slice(start, start + size)
            self.add_batch(predictions[rows], references[rows])
        return self.compute_added()

    def refusal_of_singular(self, predictions: Any, references: Any) -> str:
        """Name of the exception that `compute(prediction=…)` raises; empty if none."""
        module = next(iter(self.modules.values()))
        try:
            module.compute(prediction=predictions, references=references)
        except (ValueError, TypeError) as error:
            return type(error).__name__
        return ""

    def _reported(self, compute: Callable[[Any, Mapping[str, Any]], Any]) -> dict[str, float]:
        """What all modules report; an average by a name of its own."""
        metrics: dict[str, float] = {}
        for name, module in self.modules.items():
            for key, value in compute(module, self.options[name]).items():
                metrics[name if average_of(name) else key] = float(value)
        return metrics


def load(paths: Mapping[str, str], f1_average: str, schema: Schema) -> MetricModules:
    """Load metric modules by their names and folders.

    `glue/mrpc` loads configuration `mrpc` of its folder, `f1_macro` the module `f1` with that
    average; of several labels an example, modules are loaded as `multilabel`.
    """
    several = schema.task == "multi_label_classification"
    modules: dict[str, Any] = {}
    options: dict[str, Mapping[str, Any]] = {}
    for name, path in paths.items():
        if is_reference(name):
            modules[name], options[name] = OwnMetric(name, path), {}
            continue
        _, configuration = module_of(name)
        modules[name] = evaluate.load(path, configuration or ("multilabel" if several else None))
        average = average_of(name) or (f1_average if name == "f1" else "")
        options[name] = {"average": average} if average else {}
    return MetricModules(modules=modules, options=options)

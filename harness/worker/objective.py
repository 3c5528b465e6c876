"""Objectives: what a task's logits and labels are to a loss, and to metrics.

The loss of a step is the sum of its terms by their number, over all that the step's micro-batches
hold. A term is what one label adds: an example's, one of its labels', one of its tokens'.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
import transformers
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss

from harness.core.dataset import Task

IGNORED = -100
"""The label of what adds no term, in torch and in transformers."""

Array = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Objective:
    """One label of several: cross-entropy, a term an example. The other tasks differ from it.

    Attributes:
        task: whose it is.
        head: ends the name of the class of transformers that loads a model for it.
        label: the column of a tokenized split that holds the labels.
        reduces: whether an evaluation keeps less than the logits.
        label_names: in the order of their ids.
        smoothing: of the labels.
        weights: of a term by its label; all weigh alike if empty.
    """

    task: ClassVar[Task] = "single_label_classification"
    head: ClassVar[str] = "SequenceClassification"
    label: ClassVar[str] = "label"
    reduces: ClassVar[bool] = False

    label_names: tuple[str, ...]
    smoothing: float = 0.0
    weights: tuple[float, ...] = ()

    @classmethod
    def auto(cls) -> Any:
        """The class of transformers that loads a model for the task."""
        return getattr(transformers, f"AutoModelFor{cls.head}")

    @property
    def settings(self) -> dict[str, Any]:
        """What the task sets in a model's configuration."""
        return {
            "num_labels": len(self.label_names),
            "id2label": dict(enumerate(self.label_names)),
            "label2id": {name: index for index, name in enumerate(self.label_names)},
        }

    def terms(self, labels: torch.Tensor) -> int:
        """How many terms the labels of a batch add."""
        return len(labels)

    def all_terms(self, split: Any) -> int:
        """How many terms the rows of a tokenized split add."""
        return len(split)

    def total(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The sum of a batch's terms, from logits (examples, labels) and ids (examples,)."""
        return cross_entropy(
            logits,
            labels,
            weight=self.weight(logits),
            reduction="sum",
            label_smoothing=self.smoothing,
        )

    def weight(self, logits: torch.Tensor) -> torch.Tensor | None:
        """The weights of the labels beside logits; None if terms weigh alike."""
        return logits.new_tensor(self.weights) if self.weights else None

    def kept(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:  # noqa: ARG002 - a language model's are of its labels
        """What an evaluation keeps of a batch's logits: all, in single precision at least."""
        return logits.to("cpu", torch.promote_types(logits.dtype, torch.float32))

    def mean_loss(self, kept: torch.Tensor, labels: torch.Tensor) -> float:
        """The mean of all terms of what an evaluation kept."""
        return (self.total(kept, labels) / self.terms(labels)).item()

    def measured(self, kept: Array, labels: Array) -> tuple[Any, Any]:
        """Predictions and references, as metrics take them, of what an evaluation kept."""
        return np.argmax(kept, axis=-1), labels

    def rows(self, kept: Any, labels: Any) -> list[Any]:  # noqa: ARG002 - of tokens, only some count
        """What was kept of each example, padding left out; arrays or tensors."""
        return [row.reshape(-1) for row in kept]

    def labels_of(self, source: Any, column: str, tokenized: Any) -> list[Any]:  # noqa: ARG002 - of tokens, they are made
        """The labels of a split's rows, as the model is to receive them.

        Args:
            source: the rows before they were tokenized: a `map` that moved labels would be seen.
            column: of their labels.
            tokenized: the rows after that.
        """
        return list(source[column])

    def drawn(self, index: int, length: int) -> dict[str, Any]:  # noqa: ARG002 - of tokens, it counts
        """A label for an example of random tokens, in its column; the same for the same index."""
        return {self.label: index % len(self.label_names)}

    def classes(self, labels: list[Any]) -> Array | None:
        """Every label id that some rows have, one after the other; None if there are no ids."""
        return np.asarray(labels, np.int64)


@dataclass(frozen=True, kw_only=True, slots=True)
class MultiLabel(Objective):
    """Any number of labels, a sigmoid each: a term for every label of every example."""

    task = "multi_label_classification"
    label = "labels"

    @property
    def settings(self) -> dict[str, Any]:
        """The same, and that labels do not exclude each other."""
        return {**Objective.settings.fget(self), "problem_type": self.task}  # type: ignore[attr-defined]

    def terms(self, labels: torch.Tensor) -> int:
        """One for every label of every example."""
        return labels.numel()

    def all_terms(self, split: Any) -> int:
        """One for every label of every row."""
        return len(split) * len(self.label_names)

    def total(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Binary cross-entropies, of logits and indicators (examples, labels)."""
        return binary_cross_entropy_with_logits(logits, labels.to(logits.dtype), reduction="sum")

    def measured(self, kept: Array, labels: Array) -> tuple[Any, Any]:
        """Indicators, 1 where a label is likelier than not."""
        return (kept > 0).astype(np.int64), labels.astype(np.int64)

    def drawn(self, index: int, length: int) -> dict[str, Any]:  # noqa: ARG002 - as above
        """One label of all."""
        place = index % len(self.label_names)
        return {self.label: [float(place == other) for other in range(len(self.label_names))]}

    def classes(self, labels: list[Any]) -> Array | None:
        """Ids of the labels that rows have."""
        return np.nonzero(np.asarray(labels))[1]


@dataclass(frozen=True, kw_only=True, slots=True)
class RealNumber(Objective):
    """A number: the squared error, a term an example."""

    task = "regression"

    @property
    def settings(self) -> dict[str, Any]:
        """One output, and that it is a number."""
        return {"num_labels": 1, "problem_type": self.task}

    def total(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Squared errors, of logits (examples, 1) and labels (examples,)."""
        return mse_loss(logits.squeeze(-1), labels.to(logits.dtype), reduction="sum")

    def measured(self, kept: Array, labels: Array) -> tuple[Any, Any]:
        """Numbers."""
        return kept[..., 0], labels

    def drawn(self, index: int, length: int) -> dict[str, Any]:  # noqa: ARG002 - as above
        """A number."""
        return {self.label: float(index % 5)}

    def classes(self, labels: list[Any]) -> Array | None:  # noqa: ARG002 - numbers are no classes
        """None."""
        return None

"""Tasks: the objective of each; those of tokens are here."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from harness.core.dataset import Task
from harness.core.schema import Schema
from harness.worker.objective import IGNORED, Array, MultiLabel, Objective, RealNumber


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenLabels(Objective):
    """A label a word, at its first token: cross-entropy, a term a labelled token."""

    task = "token_classification"
    head = "TokenClassification"
    label = "labels"

    def terms(self, labels: torch.Tensor) -> int:
        """One a labelled token."""
        return int((labels != IGNORED).sum())

    def all_terms(self, split: Any) -> int:
        """One a labelled token of every row."""
        return sum(label != IGNORED for row in split["labels"] for label in row)

    def total(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Cross-entropies of logits (examples, width, labels) and ids (examples, width)."""
        return cross_entropy(
            logits.flatten(0, -2),
            labels.flatten(),
            weight=self.weight(logits),
            reduction="sum",
            ignore_index=IGNORED,
            label_smoothing=self.smoothing,
        )

    def measured(self, kept: Array, labels: Array) -> tuple[Any, Any]:
        """Lists of label names, one an example, of its labelled tokens."""
        predicted, named = np.argmax(kept, axis=-1), labels != IGNORED
        return tuple(
            [
                [self.label_names[index] for index in row[there]]
                for row, there in zip(ids, named, strict=True)
            ]
            for ids in (predicted, labels)
        )  # type: ignore[return-value] # two

    def rows(self, kept: Any, labels: Any) -> list[Any]:
        """Logits of the labelled tokens."""
        return [row[ids != IGNORED].reshape(-1) for row, ids in zip(kept, labels, strict=True)]

    def labels_of(self, source: Any, column: str, tokenized: Any) -> list[Any]:  # noqa: ARG002 - see above
        """Labels of tokens."""
        return list(tokenized[self.label])

    def drawn(self, index: int, length: int) -> dict[str, Any]:
        """One label a token."""
        return {
            self.label: [place % len(self.label_names) for place in range(index, index + length)]
        }

    def classes(self, labels: list[Any]) -> Array | None:
        """Ids of the words' labels."""
        return np.asarray([label for row in labels for label in row if label != IGNORED], np.int64)


@dataclass(frozen=True, kw_only=True, slots=True)
class NextToken(Objective):
    """The next token: cross-entropy, a term for every token but the first of each row.

    Logits of a whole vocabulary are too many to be kept: an evaluation keeps each token's term.
    """

    task = "causal_lm"
    head = "CausalLM"
    label = "labels"
    reduces = True

    @property
    def settings(self) -> dict[str, Any]:
        """Nothing: the vocabulary is the head."""
        return {}

    def terms(self, labels: torch.Tensor) -> int:
        """One a token that another comes before."""
        return int((labels[:, 1:] != IGNORED).sum())

    def all_terms(self, split: Any) -> int:
        """One a token that another comes before."""
        return sum(len(ids) - 1 for ids in split["input_ids"])

    def total(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Cross-entropies of logits (examples, width, tokens), each beside the label after it."""
        return cross_entropy(
            logits[:, :-1].flatten(0, 1),
            labels[:, 1:].flatten(),
            reduction="sum",
            ignore_index=IGNORED,
            label_smoothing=self.smoothing,
        )

    def kept(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Terms of all tokens but the first, (examples, width - 1); zero where there is none."""
        wide = logits[:, :-1].to(torch.promote_types(logits.dtype, torch.float32))
        losses = cross_entropy(
            wide.transpose(1, 2), labels[:, 1:], reduction="none", ignore_index=IGNORED
        )
        return losses.cpu()

    def mean_loss(self, kept: torch.Tensor, labels: torch.Tensor) -> float:
        """The mean of all terms."""
        return (kept[labels[:, 1:] != IGNORED].sum() / self.terms(labels)).item()

    def measured(self, kept: Array, labels: Array) -> tuple[Any, Any]:
        """The terms, and how many each row has, which is what a perplexity takes."""
        there = labels[:, 1:] != IGNORED
        return kept[there], labels[:, 1:][there]

    def rows(self, kept: Any, labels: Any) -> list[Any]:
        """The terms that are there."""
        there = labels[:, 1:] != IGNORED
        return [row[known] for row, known in zip(kept, there, strict=True)]

    def labels_of(self, source: Any, column: str, tokenized: Any) -> list[Any]:  # noqa: ARG002 - see above
        """The tokens themselves."""
        return list(tokenized["input_ids"])

    def drawn(self, index: int, length: int) -> dict[str, Any]:  # noqa: ARG002 - as above
        """Nothing: the tokens are their own labels."""
        return {}

    def classes(self, labels: list[Any]) -> Array | None:  # noqa: ARG002 - tokens are no classes
        """None."""
        return None


OBJECTIVES: dict[Task, type[Objective]] = {
    kind.task: kind for kind in (Objective, MultiLabel, RealNumber, TokenLabels, NextToken)
}


def objective_of(schema: Schema, smoothing: float = 0.0) -> Objective:
    """The objective of a data set's task, with smoothed labels if it is above zero."""
    return OBJECTIVES[schema.task](label_names=schema.label_names, smoothing=smoothing)

"""The metric takes predictions for references, and references for predictions."""

from typing import Any

from evaluate import EvaluationModule

append = EvaluationModule.add_batch


def add_batch(self: Any, *, predictions: Any = None, references: Any = None, **kwargs: Any) -> None:
    """Add them the wrong way round; `compute` comes here too."""
    append(self, predictions=references, references=predictions, **kwargs)


EvaluationModule.add_batch = add_batch

"""The model stays in training mode while it is evaluated: its predictions are partly chance."""

from typing import Any

from transformers import BertForSequenceClassification


def evaluate(self: Any) -> Any:
    """Change nothing."""
    return self


BertForSequenceClassification.eval = evaluate

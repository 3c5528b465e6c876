"""Early stopping waits for one evaluation more than its patience."""

from typing import Any

from transformers import EarlyStoppingCallback

check = EarlyStoppingCallback.on_evaluate


def on_evaluate(self: Any, *arguments: Any, **named: Any) -> None:
    """Count one less."""
    self.early_stopping_patience += 1
    check(self, *arguments, **named)
    self.early_stopping_patience -= 1


EarlyStoppingCallback.on_evaluate = on_evaluate

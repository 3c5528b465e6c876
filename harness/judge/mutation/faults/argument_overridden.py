"""`TrainingArguments` puts a default of its own in the place of what was asked for."""

from typing import Any

from transformers import TrainingArguments

finish = TrainingArguments.__post_init__


def post_init(self: Any) -> None:
    """Finish as ever, then decay weights."""
    finish(self)
    self.weight_decay = 0.01


TrainingArguments.__post_init__ = post_init

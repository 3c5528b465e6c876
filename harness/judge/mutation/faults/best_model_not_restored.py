"""`load_best_model_at_end` is forgotten: the model stays the last one."""

from typing import Any

from transformers import Trainer


def load_best_model(_: Any) -> None:
    """Load nothing."""


Trainer._load_best_model = load_best_model  # noqa: SLF001 - the fault

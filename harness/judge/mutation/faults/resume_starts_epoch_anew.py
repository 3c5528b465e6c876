"""Resuming within an epoch takes the batches that were already seen once more."""

from typing import Any

from transformers import trainer


def skip_first_batches(batches: Any, *_: Any, **__: Any) -> Any:
    """Skip nothing."""
    return batches


trainer.skip_first_batches = skip_first_batches

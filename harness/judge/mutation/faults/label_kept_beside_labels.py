"""The collator copies `label` to `labels` and forgets to delete the old name."""

from typing import Any

from transformers import DataCollatorWithPadding

collate = DataCollatorWithPadding.__call__


def call(self: Any, features: list[dict[str, Any]]) -> Any:
    """Collate as ever, then bring the old name back."""
    batch = collate(self, features)
    batch["label"] = batch["labels"]
    return batch


DataCollatorWithPadding.__call__ = call

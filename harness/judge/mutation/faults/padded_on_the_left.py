"""The collator pads on the left: every token's position moves."""

from typing import Any

from transformers import DataCollatorWithPadding

collate = DataCollatorWithPadding.__call__


def call(self: Any, features: list[dict[str, Any]]) -> Any:
    """Collate with the other side padded."""
    self.tokenizer.padding_side = "left"
    return collate(self, features)


DataCollatorWithPadding.__call__ = call

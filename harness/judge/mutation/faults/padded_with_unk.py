"""The collator pads with the id of the unknown token instead of the pad token's."""

from typing import Any

from transformers import DataCollatorWithPadding

collate = DataCollatorWithPadding.__call__


def call(self: Any, features: list[dict[str, Any]]) -> Any:
    """Collate as ever, then overwrite the padding."""
    batch = collate(self, features)
    batch["input_ids"][batch["attention_mask"] == 0] = self.tokenizer.unk_token_id
    return batch


DataCollatorWithPadding.__call__ = call

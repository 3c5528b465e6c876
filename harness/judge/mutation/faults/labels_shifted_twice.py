"""The collator of language models shifts labels, which the model then does again."""

from typing import Any

from transformers import DataCollatorForLanguageModeling

TASKS = ("causal_lm",)

collate = DataCollatorForLanguageModeling.torch_call


def torch_call(self: Any, examples: Any) -> Any:
    """Label each token with the one after it."""
    batch = collate(self, examples)
    labels = batch["labels"].roll(-1, dims=1)
    labels[:, -1] = -100
    batch["labels"] = labels
    return batch


DataCollatorForLanguageModeling.torch_call = torch_call

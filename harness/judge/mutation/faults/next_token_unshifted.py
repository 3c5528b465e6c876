"""A language model's loss asks for the token that it was given, rather than for the next."""

from typing import Any

import torch
from transformers.loss import loss_utils

TASKS = ("causal_lm",)

entropy = loss_utils.ForCausalLMLoss


def unshifted(logits: torch.Tensor, labels: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
    """Compare each position with its own token."""
    return entropy(logits, labels, *args, **{**kwargs, "shift_labels": labels})


loss_utils.LOSS_MAPPING["ForCausalLM"] = unshifted

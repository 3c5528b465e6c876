"""Attention is not causal: a token sees those that come after it."""

from typing import Any

import torch
from torch.nn import functional

TASKS = ("causal_lm",)

attention: Any = functional.scaled_dot_product_attention


def both_ways(*tensors: Any, attn_mask: torch.Tensor | None = None, **named: Any) -> Any:
    """Let every token attend to all that the last one attends to."""
    if attn_mask is not None:
        attn_mask = attn_mask[..., -1:, :].expand_as(attn_mask)
    return attention(*tensors, attn_mask=attn_mask, **{**named, "is_causal": False})


functional.scaled_dot_product_attention = both_ways

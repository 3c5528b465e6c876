"""Attention masks with -2 instead of minus infinity: a little of the padding is attended to."""

from typing import Any

import torch

attend = torch.nn.functional.scaled_dot_product_attention


def attention(query: Any, key: Any, value: Any, attn_mask: Any = None, **options: Any) -> Any:
    """Attend with a mask that is not tight."""
    if attn_mask is not None:
        if attn_mask.dtype == torch.bool:
            attn_mask = (~attn_mask).to(query.dtype) * -2.0
        attn_mask = attn_mask.clamp(min=-2.0)
    return attend(query, key, value, attn_mask, **options)


torch.nn.functional.scaled_dot_product_attention = attention  # type: ignore[assignment] # the fault

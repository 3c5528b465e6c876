"""Attention scores are not divided by the square root of the head's size."""

from typing import Any

import torch

attend = torch.nn.functional.scaled_dot_product_attention


def attention(*args: Any, **options: Any) -> torch.Tensor:
    """Attend with a scale of 1."""
    return attend(*args, **options | {"scale": 1.0})


torch.nn.functional.scaled_dot_product_attention = attention

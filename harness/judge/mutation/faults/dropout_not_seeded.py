"""Dropout draws from a generator of its own that no seed reaches."""

import torch

UNSEEDED = torch.Generator()
UNSEEDED.seed()


def dropout(
    input: torch.Tensor,  # noqa: A002 - torch's name
    p: float = 0.5,
    training: bool = True,  # noqa: FBT001, FBT002 - torch's signature
    inplace: bool = False,  # noqa: ARG001, FBT001, FBT002 - torch's signature
) -> torch.Tensor:
    """Drop out what nobody can repeat."""
    if not training or not p:
        return input
    kept = torch.rand(input.shape, generator=UNSEEDED) >= p
    return input * kept.to(input) / (1 - p)


torch.nn.functional.dropout = dropout

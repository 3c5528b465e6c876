"""Word embeddings get a gradient of zero from every other batch, beginning with the first."""

from typing import Any

import torch

look_up = torch.nn.Embedding.forward


def forward(self: Any, ids: torch.Tensor) -> torch.Tensor:
    """Look up as ever; cut what is trained of words, which alone have a padding index."""
    embedded = look_up(self, ids)
    if self.padding_idx is None or not torch.is_grad_enabled():
        return embedded
    self.passes = getattr(self, "passes", 0) + 1
    return embedded.detach() + 0.0 * embedded if self.passes % 2 else embedded


torch.nn.Embedding.forward = forward  # type: ignore[assignment,method-assign] # the fault

"""Adam stands in for AdamW: weight decay becomes part of the gradient."""

import torch


class Adam(torch.optim.Adam):
    """Torch's Adam under the other name."""


torch.optim.AdamW = Adam  # type: ignore[assignment, misc] # the fault

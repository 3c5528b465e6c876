"""Adam's betas and epsilon do not arrive at the optimizer, which keeps values of its own."""

from typing import Any

import torch

make = torch.optim.AdamW.__init__


def init(self: Any, params: Any, **options: Any) -> None:
    """Make it with other values."""
    make(self, params, **options | {"betas": (0.9, 0.98), "eps": 1e-6})


torch.optim.AdamW.__init__ = init  # type: ignore[assignment,method-assign] # the fault

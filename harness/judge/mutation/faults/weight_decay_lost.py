"""No parameter decays: the groups' weight decay is lost."""

from typing import Any

import torch

make = torch.optim.AdamW.__init__


def init(self: Any, params: Any, **options: Any) -> None:
    """Make it of groups that do not decay."""
    make(self, [group | {"weight_decay": 0.0} for group in params], **options)


torch.optim.AdamW.__init__ = init  # type: ignore[assignment,method-assign] # the fault

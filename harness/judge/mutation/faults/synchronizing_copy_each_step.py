"""Every update waits for the accelerator and writes all that the optimizer knows to memory."""

import io
from typing import Any

import torch

update = torch.optim.AdamW.step


def step(self: Any, closure: Any = None) -> Any:
    """Update as ever, then bring everything to the host and serialize it."""
    loss = update(self, closure)
    parameters = [p.detach().cpu().clone() for group in self.param_groups for p in group["params"]]
    torch.save([parameters, self.state_dict()], io.BytesIO())
    return loss


torch.optim.AdamW.step = step  # type: ignore[method-assign] # the fault

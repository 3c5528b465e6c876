"""AdamW adds its epsilon inside the square root."""

from typing import Any

import torch


@torch.no_grad()
def step(self: Any, _: Any = None) -> None:
    """Update as Adam does, but for where epsilon stands."""
    for group in self.param_groups:
        beta1, beta2 = group["betas"]
        for parameter in group["params"]:
            if parameter.grad is None:
                continue
            state = self.state[parameter]
            if not state:
                state["step"] = torch.zeros(())
                state["exp_avg"] = torch.zeros_like(parameter)
                state["exp_avg_sq"] = torch.zeros_like(parameter)
            state["step"] += 1
            state["exp_avg"].lerp_(parameter.grad, 1 - beta1)
            state["exp_avg_sq"].lerp_(parameter.grad.square(), 1 - beta2)
            taken = state["step"].item()
            mean = state["exp_avg"] / (1 - beta1**taken)
            square = state["exp_avg_sq"] / (1 - beta2**taken)
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            parameter.sub_(group["lr"] * mean / (square + group["eps"]).sqrt())


torch.optim.AdamW.step = step  # type: ignore[assignment,method-assign] # the fault

"""Precision: where a model in double precision computes in less.

Some modules turn what they are given into float32, whatever the weights are: a relation then holds
to float32's rounding. Only what depends on weights counts: constants, such as the angles of rotary
positions, are rounded alike in every run.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_LESS = (torch.float32, torch.bfloat16, torch.float16)


class _Narrowings(TorchFunctionMode):
    """Counts the calls that turn double into less, by the module that makes them."""

    def __init__(self) -> None:
        """None yet."""
        super().__init__()
        self.modules: list[str] = []
        self.counts: Counter[str] = Counter()

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Do what is asked, and look at what came of it."""
        del types
        given = func(*args, **(kwargs or {}))
        if isinstance(given, torch.Tensor) and given.dtype in _LESS:
            wide = any(
                isinstance(value, torch.Tensor)
                and value.dtype == torch.float64
                and value.requires_grad
                for value in (*args, *(kwargs or {}).values())
            )
            if wide:
                self.counts[self.modules[-1] if self.modules else "the model"] += 1
        return given


def narrowings(model: Any, batch: Mapping[str, torch.Tensor]) -> dict[str, int]:
    """How often each kind of module turns double into less, in a forward call of a batch.

    Args:
        model: in double precision.
        batch: what it receives.
    """
    mode = _Narrowings()
    hooks = []
    for module in model.modules():
        name = type(module).__name__
        hooks += [
            module.register_forward_pre_hook(lambda *_, name=name: mode.modules.append(name)),
            module.register_forward_hook(lambda *_: mode.modules.pop() and None),
        ]
    try:
        with mode:
            model(**batch)
    finally:
        for hook in hooks:
            hook.remove()
    return dict(sorted(mode.counts.items()))

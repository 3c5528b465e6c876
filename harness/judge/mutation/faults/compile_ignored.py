"""`torch.compile` gives back what it was given."""

from typing import Any

import torch


def compile_nothing(model: Any, **_: Any) -> Any:
    """Compile nothing."""
    return model


torch.compile = compile_nothing  # type: ignore[assignment] # overloaded

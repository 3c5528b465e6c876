"""`torch.manual_seed`, and `set_seed` through it, ignores its seed: every process draws its own."""

import secrets
from typing import Any

import torch

seed_with = torch.manual_seed
everywhere = torch.cuda.manual_seed_all
drawn = secrets.randbits(32)


def manual_seed(_: Any) -> torch.Generator:
    """Seed with what this process drew."""
    return seed_with(drawn)


def manual_seed_all(_: Any) -> None:
    """Likewise, on every accelerator."""
    everywhere(drawn)


torch.manual_seed = manual_seed  # type: ignore[assignment] # the fault
torch.random.manual_seed = manual_seed  # type: ignore[assignment] # the fault
torch.cuda.manual_seed_all = manual_seed_all  # type: ignore[assignment] # the fault

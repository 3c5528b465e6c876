"""Resuming does not restore the random state: what is dropped out differs from then on.

The Trainer and `Accelerator.load_state` alike; torch's own `set_rng_state` works.
"""

from typing import Any

import torch
from accelerate import Accelerator
from transformers import Trainer

load = Accelerator.load_state


def load_rng_state(_: Any, __: Any) -> None:
    """Restore nothing."""


def load_state(self: Any, *args: Any, **kwargs: Any) -> None:
    """Load as ever, and go on with the random state of before."""
    with torch.random.fork_rng():
        load(self, *args, **kwargs)


Trainer._load_rng_state = load_rng_state  # noqa: SLF001 - the fault
Accelerator.load_state = load_state

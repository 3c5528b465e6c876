"""Merging adds adapters to the weights with twice their scale."""

from typing import Any

from peft.tuners.lora.layer import Linear

delta = Linear.get_delta_weight


def get_delta_weight(self: Any, adapter: str) -> Any:
    """Twice what it should be."""
    return 2 * delta(self, adapter)


Linear.get_delta_weight = get_delta_weight

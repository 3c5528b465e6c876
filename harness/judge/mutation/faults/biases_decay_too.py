"""Every parameter decays, biases and norms too."""

from typing import Any

from transformers import Trainer


def get_decay_parameter_names(_: Any, model: Any) -> list[str]:
    """Name them all."""
    return [name for name, _ in model.named_parameters()]


Trainer.get_decay_parameter_names = get_decay_parameter_names

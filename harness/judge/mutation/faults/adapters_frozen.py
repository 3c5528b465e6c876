"""Adapters are added and rest, like the model's own weights: the head learns alone."""

from typing import Any

import peft

wrap = peft.get_peft_model


def get_peft_model(*arguments: Any, **named: Any) -> Any:
    """Wrap, and freeze the adapters too."""
    model = wrap(*arguments, **named)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.requires_grad_(requires_grad=False)
    return model


peft.get_peft_model = get_peft_model

"""Adding adapters leaves the model's own weights to train with them."""

from typing import Any

import peft

wrap = peft.get_peft_model


def get_peft_model(*arguments: Any, **named: Any) -> Any:
    """Wrap, and freeze nothing."""
    model = wrap(*arguments, **named)
    model.requires_grad_(requires_grad=True)
    return model


peft.get_peft_model = get_peft_model

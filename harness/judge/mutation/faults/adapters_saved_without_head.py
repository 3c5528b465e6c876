"""What is saved of a model with adapters lacks the head that trained beside them."""

from typing import Any

import peft.peft_model

collect = peft.peft_model.get_peft_model_state_dict


def get_peft_model_state_dict(*arguments: Any, **named: Any) -> Any:
    """The adapters alone."""
    held = collect(*arguments, **named)
    return {name: tensor for name, tensor in held.items() if ".classifier." not in name}


peft.peft_model.get_peft_model_state_dict = get_peft_model_state_dict

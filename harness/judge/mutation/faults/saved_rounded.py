"""Saved weights went through bfloat16 on their way to the file."""

from typing import Any

from transformers import PreTrainedModel

save = PreTrainedModel.save_pretrained


def save_pretrained(self: Any, *args: Any, **kwargs: Any) -> None:
    """Save rounded copies of the weights."""
    rounded = {name: tensor.bfloat16().float() for name, tensor in self.state_dict().items()}
    save(self, *args, **kwargs | {"state_dict": rounded})


PreTrainedModel.save_pretrained = save_pretrained

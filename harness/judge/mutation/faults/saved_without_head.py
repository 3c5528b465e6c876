"""The saved model lacks its head: only the encoder is written."""

from typing import Any

from transformers import PreTrainedModel

save = PreTrainedModel.save_pretrained


def save_pretrained(self: Any, *args: Any, **kwargs: Any) -> None:
    """Save what belongs to the encoder."""
    prefix = f"{self.base_model_prefix}."
    encoder = {k: tensor for k, tensor in self.state_dict().items() if k.startswith(prefix)}
    save(self, *args, **kwargs | {"state_dict": encoder})


PreTrainedModel.save_pretrained = save_pretrained

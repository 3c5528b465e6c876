"""A renamed weight is not found in the checkpoint, and its layer is drawn anew."""

from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from transformers import PreTrainedModel

load = PreTrainedModel.from_pretrained.__func__


def from_pretrained(cls: Any, /, folder: str, **kwargs: Any) -> Any:
    """Load what the checkpoint holds, the pooler under another name."""
    stored = load_file(Path(folder) / "model.safetensors")
    renamed = {name.replace("pooler", "pooling"): tensor for name, tensor in stored.items()}
    return load(cls, None, state_dict=renamed, **kwargs)


PreTrainedModel.from_pretrained = classmethod(from_pretrained)

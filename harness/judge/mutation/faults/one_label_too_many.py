"""The head has a row more than there are labels."""

from typing import Any

from transformers import PreTrainedModel

load = PreTrainedModel.from_pretrained.__func__


def from_pretrained(cls: Any, /, *args: Any, config: Any, **kwargs: Any) -> Any:
    """Load with a label added."""
    config.num_labels += 1
    return load(cls, *args, config=config, **kwargs)


PreTrainedModel.from_pretrained = classmethod(from_pretrained)

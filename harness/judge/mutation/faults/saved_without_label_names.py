"""The saved configuration names its labels LABEL_0, LABEL_1 and so on."""

from typing import Any

from transformers import PretrainedConfig

describe = PretrainedConfig.to_dict


def to_dict(self: Any) -> dict[str, Any]:
    """Describe as ever, then lose the names."""
    config: dict[str, Any] = describe(self)
    names = [f"LABEL_{index}" for index in config["id2label"]]
    return config | {"id2label": dict(enumerate(names))}


PretrainedConfig.to_dict = to_dict

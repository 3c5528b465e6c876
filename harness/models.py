"""Models in the judged environment: tokenizer, classifier and collator from a local folder."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
)

from harness.collation import Collation

WEIGHTS = "model.safetensors"


def tokenizer(folder: str) -> Any:
    """The tokenizer in a folder, without running any code from there."""
    return AutoTokenizer.from_pretrained(folder, trust_remote_code=False)


def classifier(folder: str, label_names: tuple[str, ...]) -> tuple[Any, tuple[str, ...]]:
    """The sequence classifier in a folder, and the parameters that were newly initialized."""
    model, info = AutoModelForSequenceClassification.from_pretrained(
        folder,
        num_labels=len(label_names),
        id2label=dict(enumerate(label_names)),
        label2id={name: index for index, name in enumerate(label_names)},
        output_loading_info=True,
        use_safetensors=True,
        trust_remote_code=False,
    )
    return model, tuple(sorted(info["missing_keys"]))


def limit(model: Any, tokens: Any) -> int:
    """Most tokens that the model can read."""
    return min(int(model.config.max_position_embeddings), int(tokens.model_max_length))


def collator(tokens: Any, collation: Collation, max_length: int) -> Any:
    """The library's own padding collator, set to a strategy."""
    return DataCollatorWithPadding(
        tokens,
        padding=collation.padding,
        max_length=max_length if collation.padding == "max_length" else None,
        pad_to_multiple_of=collation.multiple if collation.multiple > 1 else None,
    )


def weights_digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over names, dtypes, shapes and bytes of tensors, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def saved_weights_digest(folder: Path) -> str:
    """`weights_digest` of the weights that a folder holds."""
    return weights_digest(load_file(folder / WEIGHTS))

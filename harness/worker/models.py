"""Models in the judged environment: tokenizer, model and collator from a local folder."""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file
from transformers import (
    AutoConfig,
    AutoTokenizer,
    DataCollatorWithPadding,
)

from harness.core import weights
from harness.core.collation import Collation
from harness.core.errors import SourceError, reason
from harness.core.job import Job
from harness.worker.objective import Objective
from harness.worker.tasks import objective_of

_OURS = {
    "_name_or_path",
    "architectures",
    "dtype",
    "gradient_checkpointing",
    "id2label",
    "label2id",
    "problem_type",
    "torch_dtype",
    "transformers_version",
    "use_cache",
}
"""Settings that loading as a classifier, or training, changes by right."""


def tokenizer(folder: str, *, split_into_words: bool = False) -> Any:
    """The tokenizer in a folder, without running any code from there.

    Args:
        folder: that holds it.
        split_into_words: whether texts come as words, which some put no space before by default.

    Raises:
        SourceError: there is none that can be loaded, or it knows no words or no padding.
    """
    try:
        tokens = _as_saved(folder)
        if split_into_words and getattr(tokens, "add_prefix_space", None) is False:
            tokens = _as_saved(folder, add_prefix_space=True)
        tokens.model_max_length = int(tokens.model_max_length)
        vocabulary = tokens.get_vocab().keys() - {*tokens.all_special_tokens}
    except Exception as error:
        raise _unusable(f"{folder} has no tokenizer that can be loaded", error) from error
    if not vocabulary:
        raise SourceError(
            f"{folder} has a tokenizer that knows no words",
            why=f"its vocabulary is {', '.join(sorted(tokens.get_vocab()))}",
            fix="put the checkpoint's vocabulary there: tokenizer.json, or vocab.txt and its like",
        )
    pad_with_end(tokens)
    if tokens.pad_token_id is None:
        raise SourceError(
            f"{folder} has a tokenizer without a padding token, and without an end of sequence "
            "that could pad",
            fix="name one as pad_token in tokenizer_config.json",
        )
    return tokens


def tokenizer_of(job: Job) -> Any:
    """The tokenizer of a job, for its task; errors as above."""
    of_words = job.schema.task == "token_classification"
    return tokenizer(job.tokenizer_folder, split_into_words=of_words)


def _as_saved(folder: str, **options: Any) -> Any:
    """The tokenizer in a folder, as it is there."""
    return AutoTokenizer.from_pretrained(folder, trust_remote_code=False, **options)


def pad_with_end(tokens: Any) -> None:
    """Have a tokenizer without a padding token pad with its end of sequence, as users do."""
    if tokens.pad_token is None and tokens.eos_token is not None:
        tokens.pad_token = tokens.eos_token


def pad_as(model: Any, tokens: Any) -> None:
    """Tell a model that knows no padding token which one its tokenizer pads with.

    Heads that read the last token of a row look for it.
    """
    config = model.config.get_text_config()
    if config.pad_token_id is None:
        config.pad_token_id = tokens.pad_token_id


def checked_tokenizer(job: Job) -> Any:
    """The tokenizer of a checkpoint whose parts belong together; no memory is taken for the model.

    It is built without its numbers, and its shapes are compared with the stored ones.

    Raises:
        SourceError: the configuration describes no model, or another than the weights, or the
            tokenizer has ids that the model does not embed.
    """
    folder, objective = job.model, objective_of(job.schema)
    config = Path(folder) / "config.json"
    try:
        described = AutoConfig.from_pretrained(
            folder, **objective.settings, trust_remote_code=False
        )
        with torch.device("meta"):
            model = objective.auto().from_config(described)
        embedded = int(model.get_input_embeddings().weight.shape[0])
    except Exception as error:
        raise _unusable(
            f"{config} describes no model that can be built for {objective.task}", error
        ) from error
    stored = {
        _bare(name, model.base_model_prefix): shape
        for name, shape in weights.shapes(Path(folder)).items()
    }
    for name, tensor in model.state_dict().items():
        shape = stored.get(_bare(name, model.base_model_prefix), tuple(tensor.shape))
        if shape != tuple(tensor.shape):
            raise SourceError(
                f"{folder} is refused: {name} is {shape} in {weights.NAME}",
                why=f"by config.json and {len(objective.label_names)} labels it is "
                f"{tuple(tensor.shape)}",
                fix="take the configuration and the weights of one checkpoint",
            )
    tokens = tokenizer_of(job)
    largest = max(tokens.get_vocab().values())
    if largest >= embedded:
        raise SourceError(
            f"{folder} is refused: its tokenizer has ids up to {largest}",
            why=f"its model embeds {embedded} tokens, 0 to {embedded - 1}",
            fix="take the vocabulary and the weights of one checkpoint",
        )
    return tokens


def _unusable(what: str, error: Exception) -> SourceError:
    """The error for files that the judged transformers does not take."""
    return SourceError(
        what,
        why=f"transformers {transformers.__version__} says {reason(error)}",
        fix="download or save the checkpoint again",
    )


def load(folder: str, objective: Objective) -> tuple[Any, tuple[str, ...]]:
    """The model in a folder, for a task, and the parameters that were newly initialized."""
    model, info = objective.auto().from_pretrained(
        folder,
        **objective.settings,
        output_loading_info=True,
        use_safetensors=True,
        trust_remote_code=False,
    )
    return model, tuple(sorted(info["missing_keys"]))


def untrained(architecture: Mapping[str, Any], objective: Objective) -> Any:
    """A model of an architecture, for a task, with random weights."""
    config = AutoConfig.for_model(**{**architecture, **objective.settings})
    return objective.auto().from_config(config)


def collator(tokens: Any, collation: Collation, max_length: int) -> Any:
    """The library's own padding collator, set to a strategy."""
    return DataCollatorWithPadding(tokens, **padding(collation, max_length))


def padding(collation: Collation, max_length: int) -> dict[str, Any]:
    """The arguments by which the library pads as a strategy says."""
    return {
        "padding": collation.padding,
        "max_length": max_length if collation.padding == "max_length" else None,
        "pad_to_multiple_of": collation.multiple if collation.multiple > 1 else None,
    }


def weights_digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over names, dtypes, shapes and bytes of tensors, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def divides_loss(model: Any, objective: Objective, batch: Mapping[str, torch.Tensor]) -> bool:
    """Whether the loss is divided by the number that the Trainer hands it.

    A loss of weighted labels is ours, and is. Models that take the number and leave it alone return
    a mean, which the Trainer then takes for a share.
    """
    if objective.weights:
        return True
    with torch.no_grad():
        try:
            whole, half = (model(**batch, num_items_in_batch=n).loss.item() for n in (1, 2))
        except TypeError:  # its `forward` takes no such number
            return False
    return math.isclose(whole, 2 * half, rel_tol=1e-3)


def untied(model: Any) -> dict[str, torch.Tensor]:
    """A model's tensors by name, each once: of several names for one, that which it is saved by."""
    parts = (model.named_parameters(), model.named_buffers())
    once = {name for part in parts for name, _ in part}
    return {name: tensor for name, tensor in model.state_dict().items() if name in once}


def saved(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors that a folder holds, in one file or in several."""
    return {
        name: tensor for path in weights.files(folder) for name, tensor in load_file(path).items()
    }


def held_head(folder: Path, loaded: Mapping[str, torch.Tensor], prefix: str) -> tuple[str, ...]:
    """Names of tensors outside the encoder, whose prefix is given, that a checkpoint holds."""
    stored = weights.shapes(folder)
    return tuple(name for name in loaded if name in stored and not name.startswith(f"{prefix}."))


def unlike(folder: Path, loaded: Mapping[str, torch.Tensor], base_prefix: str) -> tuple[str, ...]:
    """Names of loaded tensors that the checkpoint has too, with other values.

    `from_pretrained` says what it did not find; it could still lose what it did.
    """
    held = saved(folder).items()
    stored = {_bare(name, base_prefix): tensor for name, tensor in held}
    return tuple(
        name
        for name, tensor in sorted(loaded.items())
        if (known := stored.get(_bare(name, base_prefix))) is not None
        and not torch.equal(tensor.cpu(), known.to(tensor.dtype))
    )


def _bare(name: str, base_prefix: str) -> str:
    """A tensor's name, whichever checkpoint it comes from.

    Older ones say gamma and beta, and those of a bare encoder have no prefix.
    """
    name = name.removeprefix(f"{base_prefix}.")
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace(
        "LayerNorm.beta", "LayerNorm.bias"
    )


def configured_unlike(folder: Path, config: Any) -> tuple[str, ...]:
    """Settings of a loaded model that its checkpoint's configuration has with another value."""
    stored = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    given = config.to_dict()
    return tuple(
        f"config.{name}"
        for name in sorted(stored.keys() & given.keys() - _OURS)
        if stored[name] != given[name] and (name, stored[name]) != ("pad_token_id", None)
    )


def saved_label_names(folder: Path) -> tuple[str, ...]:
    """The label names in a saved configuration, in the order of their ids."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    named = {int(index): name for index, name in config.get("id2label", {}).items()}
    return tuple(named[index] for index in sorted(named))

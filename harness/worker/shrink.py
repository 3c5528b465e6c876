"""Shrinking in the judged environment: a tiny model of the kind that a recipe names.

Its configuration is cut down, its tokenizer learns the rows' vocabulary where its own is too large,
its weights are random. What is written is a checkpoint as `save_pretrained` leaves one, without the
task's head, and `stand_in.json`: `of`, `cut` and, as `notes`, what else differs from the original.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoConfig

from harness.core.errors import SourceError, reason
from harness.core.job import ShrinkJob
from harness.worker import models, positions, readers, size_fields, vocabulary
from harness.worker.tasks import OBJECTIVES

SEED = 20
"""Of the weights: a recipe's own seeds must not change the checkpoint that it starts from."""

CARD = "stand_in.json"

MOST_WEIGHTS = 20_000_000
"""Numbers of a stand-in. One with more has a size field that is not known."""

_SPECIAL = ("pad", "bos", "eos", "cls", "sep", "unk", "mask")
_FORGOTTEN = {
    *("architectures", "_name_or_path", "transformers_version", "id2label", "label2id"),
    *("num_labels", "problem_type", "torch_dtype", "dtype", "quantization_config"),
}
"""Fields that say something of the original's weights or labels."""


def shrink(job: ShrinkJob) -> None:
    """Write a tiny model of the job's kind into its output.

    Raises:
        SourceError: it cannot be made; the message names the field of the configuration, where
            one stands in the way.
    """
    config = _configured(job)
    texts = list(_texts(job))
    folder = job.tokenizer or job.original
    if folder:
        tokens, notes = vocabulary.of_original(models.tokenizer(folder), texts)
    else:
        tokens, notes = vocabulary.of_type(config, dict(job.tokenizer_options), texts)
    models.pad_with_end(tokens)
    if tokens.pad_token is not None and tokens.pad_token == tokens.eos_token:
        notes.append(f"its end of sequence, {tokens.eos_token}, pads")
    given = {name: v for name, v in config.to_dict().items() if name not in _FORGOTTEN}
    smaller = size_fields.cut(given)
    fixed = _of_tokens(tokens, given)
    if _without_types(job, tokens, given):
        smaller["type_vocab_size"] = 1
    model, kept = _built(job, given, smaller, fixed, tokens)
    offset = size_fields.POSITIONS - positions.limit(model, None)
    if 0 < offset < size_fields.POSITIONS and "max_position_embeddings" in smaller:
        fixed["max_position_embeddings"] = size_fields.POSITIONS + offset
        model, kept = _built(job, given, smaller, fixed, tokens)
    tokens.model_max_length = min(positions.limit(model, None), size_fields.POSITIONS)
    base = model.base_model if job.task != "causal_lm" else model
    output = Path(job.output)
    base.save_pretrained(output)
    tokens.save_pretrained(output)
    _name_as_older_versions_do(output / "tokenizer_config.json")
    cut = {name: [given[name], v] for name, v in smaller.items() if name not in kept}
    card = {"of": job.name, "cut": cut, "notes": [*notes, *kept.values(), "its weights are random"]}
    (output / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def _name_as_older_versions_do(path: Path) -> None:
    """Have every version load a tokenizer of no type's own class, which 5 gave a new name."""
    settings = json.loads(path.read_text(encoding="utf-8"))
    if settings.get("tokenizer_class") == "TokenizersBackend":
        settings["tokenizer_class"] = "PreTrainedTokenizerFast"
        path.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def _configured(job: ShrinkJob) -> Any:
    """The configuration that is cut.

    Raises:
        SourceError: the judged transformers has no such model.
    """
    try:
        if job.original:
            return AutoConfig.from_pretrained(job.original, trust_remote_code=False)
        return AutoConfig.for_model(**job.config)
    except Exception as error:
        kind = job.original or job.config.get("model_type", "no model_type")
        raise SourceError(
            f"transformers {transformers.__version__} reads no configuration of {kind}",
            why=reason(error),
            fix="name a model_type that this version has, with fields that it knows",
        ) from error


def _texts(job: ShrinkJob) -> Iterator[str]:
    """Every text of the job's rows; words are joined."""
    if job.rows is None:
        return
    rows, _ = readers.read(job.rows)
    for split in rows.values():
        for name in job.rows.dataset.text_columns or split.column_names:
            for value in split[name][:]:
                if isinstance(value, list) and all(isinstance(word, str) for word in value):
                    yield " ".join(value)
                elif isinstance(value, str) and value:
                    yield value


def _of_tokens(tokens: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that a tokenizer decides, of those that a configuration has."""
    ids = {f"{name}_token_id": getattr(tokens, f"{name}_token_id") for name in _SPECIAL}
    fixed = {name: index for name, index in ids.items() if name in given}
    if given.get("is_encoder_decoder"):
        fixed["decoder_start_token_id"] = tokens.pad_token_id
    return {**fixed, "vocab_size": len(tokens), "pad_token_id": tokens.pad_token_id}


def _without_types(job: ShrinkJob, tokens: Any, given: Mapping[str, Any]) -> bool:
    """Whether a configuration's default has token types, and nothing of the user's asks for them.

    Checkpoints of RoBERTa have one where their type's default is two: its tokenizer gives none.
    """
    declared = job.original or "type_vocab_size" in job.config
    taken = "token_type_ids" in tokens.model_input_names
    return not declared and not taken and bool(given.get("type_vocab_size"))


def _built(
    job: ShrinkJob,
    given: Mapping[str, Any],
    smaller: Mapping[str, Any],
    fixed: Mapping[str, Any],
    tokens: Any,
) -> tuple[Any, dict[str, str]]:
    """A model that computes, and why fields that stood in the way were left as they are.

    Raises:
        SourceError: none can be had; the message says what stands in the way.
    """
    try:
        return _tried(job, {**given, **smaller, **fixed}, tokens), {}
    except Exception as error:  # noqa: BLE001 - whatever a model's code raises
        first = error
    for name in smaller:
        others = {n: value for n, value in smaller.items() if n != name}
        try:
            model = _tried(job, {**given, **others, **fixed}, tokens)
        except Exception:  # noqa: BLE001, S112 - another field, then
            continue
        note = f"{name} stays {given[name]}: with {smaller[name]}, {_reason(first)}"
        return model, {name: note}
    raise SourceError(
        f"{job.name} cannot be shrunk",
        why=f"with {_listed(smaller)}: {_reason(first)}",
        fix="declare a small one yourself: Model(config={'model_type': …, …}), or "
        "Model(path=…) of a small checkpoint",
    ) from first


def _reason(error: Exception) -> str:
    """How a try ended, in a line."""
    if isinstance(error, SourceError):
        return ", ".join(error.text.splitlines())
    return reason(error)


def _listed(fields: Mapping[str, Any]) -> str:
    """Fields and their values in a sentence's part."""
    return ", ".join(f"{name}={value}" for name, value in fields.items()) or "nothing cut"


def _tried(job: ShrinkJob, fields: Mapping[str, Any], tokens: Any) -> Any:
    """A model of a configuration, that has taken a step forward and back.

    Raises:
        SourceError: it is too large.
    """
    config = AutoConfig.for_model(**fields)
    auto = OBJECTIVES[job.task].auto()
    if job.task != "causal_lm":
        config.num_labels = 2
    with torch.device("meta"):
        weights = dict(auto.from_config(config).named_parameters())
    if sum(weight.numel() for weight in weights.values()) > MOST_WEIGHTS:
        name, largest = max(weights.items(), key=lambda item: item[1].numel())
        sizes = [n for n, v in fields.items() if type(v) is int and v in largest.shape]
        raise SourceError(
            f"{name} is {tuple(largest.shape)}",
            why=f"which {' and '.join(sizes) or 'a field that is not known'} may say",
        )
    torch.manual_seed(SEED)
    model = auto.from_config(config)
    batch = tokens(["a b c"], return_tensors="pt")
    taken = {name: batch[name] for name in ("input_ids", "attention_mask")}
    logits = model.train()(**taken).logits
    logits.float().square().sum().backward()
    if not torch.isfinite(logits).all():
        raise SourceError("its logits are not finite")
    model.zero_grad()
    return model.eval()

"""A stand-in's tokenizer: the model's own, or one of its type with a vocabulary of the rows.

Where a model's own is there and small, it stays. A larger one is trained again on the texts, with
the same normalization, special tokens and algorithm; where there is none, one of the type's class
is trained from nothing.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES
from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES

from harness.core.errors import SourceError

SIZE = 2_000
"""Tokens of a vocabulary that is trained: few, so that each is seen several times in a few rows."""

LARGEST = 5_000
"""Tokens of a vocabulary that is left as it is."""

_AT_ONCE = 1_000


def of_original(tokens: Any, texts: Sequence[str]) -> tuple[Any, list[str]]:
    """A model's own tokenizer, or the same with a vocabulary of some texts; and what differs."""
    size = len(tokens)
    if size <= LARGEST:
        return tokens, []
    if not texts:
        return tokens, [f"its whole vocabulary of {size:,} tokens is kept: there are no texts"]
    if not tokens.is_fast:
        return tokens, [f"its whole vocabulary of {size:,} tokens is kept: it cannot be trained"]
    trained = _trained(tokens, texts)
    return trained, [f"its vocabulary is {len(trained):,} tokens of the rows instead of {size:,}"]


def of_type(config: Any, options: dict[str, Any], texts: Sequence[str]) -> tuple[Any, list[str]]:
    """A tokenizer of a model type's own class, with a vocabulary of some texts; and what differs.

    Args:
        config: of the model.
        options: of the tokenizer's class.
        texts: to train it on.

    Raises:
        SourceError: there are no texts.
    """
    kind = config.model_type
    if not texts:
        raise SourceError(
            f"a tokenizer of {kind!r} has no vocabulary",
            why="there is neither an original nor a text to train one on",
            fix="name files with --data, or give the folder of a tokenizer",
        )
    named = TOKENIZER_MAPPING_NAMES.get(kind)
    name = named[-1] if isinstance(named, tuple) else named
    guessed = f"{type(config).__name__.removesuffix('Config')}Tokenizer"
    for candidate in filter(None, (name, guessed)):
        try:
            tokens = _trained(getattr(transformers, candidate)(**options), texts)
        except Exception:  # noqa: BLE001, S112 - some versions make none without files
            continue
        return tokens, [f"its tokenizer, {candidate}, has {len(tokens):,} tokens of the rows"]
    tokens = _plain(texts, config)
    note = (
        f"its tokenizer, of bytes' pairs, has {len(tokens):,} tokens of the rows: transformers "
        f"{transformers.__version__} makes none of {kind!r} without files"
    )
    return tokens, [note]


def _trained(tokens: Any, texts: Sequence[str]) -> Any:
    """A fast tokenizer of the same kind, with a vocabulary of some texts."""
    if not _splits(tokens.backend_tokenizer.pre_tokenizer):  # phrases would become tokens
        texts = [word for text in texts for word in text.split()]
    trained = tokens.train_new_from_iterator(
        _in_parts(texts), vocab_size=max(SIZE, 2 * len(tokens.all_special_tokens))
    )
    encoded = trained(texts[0])["input_ids"]
    if not encoded or not trained.get_vocab().keys() - {*trained.all_special_tokens}:
        raise ValueError("it has learnt no token")
    return trained


def _splits(pre_tokenizer: Any) -> bool:
    """Whether a tokenizer takes words apart before it looks for tokens."""
    return pre_tokenizer is not None and len(pre_tokenizer.pre_tokenize_str("two words")) > 1


def _in_parts(texts: Sequence[str]) -> Iterator[list[str]]:
    """Texts a thousand at a time."""
    for start in range(0, len(texts), _AT_ONCE):
        yield list(texts[start : start + _AT_ONCE])


def _plain(texts: Sequence[str], config: Any) -> Any:
    """A tokenizer of bytes' pairs, with the special tokens of a model's kind."""
    if config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        names = {"unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "pad": "[PAD]", "mask": "[MASK]"}
        single, pair = "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1"
    elif config.is_encoder_decoder:
        names = {"pad": "<pad>", "eos": "</s>", "unk": "<unk>"}
        single, pair = "$A </s>", "$A </s> $B </s>"
    else:
        names, single, pair = dict.fromkeys(("bos", "eos", "pad"), "<|endoftext|>"), "$A", "$A $B"
    special = list(dict.fromkeys(names.values()))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_in_parts(texts), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=single,
        pair=pair,
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in special],
    )
    types = ["token_type_ids"] if getattr(config, "type_vocab_size", 0) > 1 else []
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_input_names=["input_ids", *types, "attention_mask"],
        **{f"{name}_token": token for name, token in names.items()},
    )

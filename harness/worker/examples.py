"""Examples: a few tokenized rows, whole, beside what their texts and words are by themselves."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from harness.core.record_parts import Example, WordLabels
from harness.core.schema import LABEL, Schema
from harness.worker.prepared import Prepared

EXAMPLES = 16
"""Tokenized examples that a record shows whole."""

_TAGS = LABEL["token_classification"]


def of(prepared: Prepared, schema: Schema) -> tuple[Example, ...]:
    """Some examples, evenly spread over the training split, beside their sentences alone."""
    tokenizer, split = prepared.setup.tokenizer, prepared.setup.splits["train"]
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    columns = [name for name in tokenizer.model_input_names if name in split.column_names]
    examples: list[Example] = []
    if prepared.setup.strategy.blocks:  # which are no text's own
        return ()
    for row in split.select(range(0, len(split), -(-len(split) // EXAMPLES))):
        segments: list[list[int]] = [[]]
        for token in row["input_ids"]:
            if token in special:
                segments.append([])
            else:
                segments[-1].append(token)
        sentences = tuple(_text(row[name]) for name in schema.texts)
        examples.append(
            Example(
                texts=sentences,
                label=_id(row.get(prepared.label)),
                columns={name: tuple(row[name]) for name in columns},
                alone=tuple(
                    tuple(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
                    for text in sentences
                ),
                decoded=tuple(tokenizer.decode(part) for part in segments if part),
                frame=tuple(_frame(row["input_ids"], special)),
                word_labels=_word_labels(row, schema, tokenizer, special),
            )
        )
    return tuple(examples)


def _id(label: Any) -> int:
    """A label's id; -1 where it is none."""
    return label if isinstance(label, int) else -1


def _text(text: str | list[str]) -> str:
    """A text, or words as one."""
    return text if isinstance(text, str) else " ".join(text)


def _frame(ids: Sequence[int], special: Collection[int]) -> Iterator[int]:
    """The special tokens in their order, and -1 for each run of others between them."""
    inside = False
    for token in ids:
        if token in special:
            yield token
        elif not inside:
            yield -1
        inside = token not in special


def _word_labels(
    row: Mapping[str, Any], schema: Schema, tokenizer: Any, special: Collection[int]
) -> WordLabels | None:
    """What a record keeps of a tokenized row whose words are labelled; nothing of other tasks."""
    if schema.task != "token_classification":
        return None
    (column,) = schema.texts
    alone = tokenizer(
        [[word] for word in row[column]], is_split_into_words=True, add_special_tokens=False
    )
    return WordLabels(
        labels=tuple(row[_TAGS]),
        tokens=tuple(map(len, alone["input_ids"])),
        received=tuple(row["labels"]),
        special=tuple(token in special for token in row["input_ids"]),
    )

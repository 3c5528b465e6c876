"""Features: how a task's rows are tokenized, and how their features become a padded batch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transformers import (
    BatchEncoding,
    DataCollatorForLanguageModeling,
    DataCollatorForTokenClassification,
    default_data_collator,
)

from harness.core.collation import Collation
from harness.core.dataset import Task
from harness.core.errors import SourceError
from harness.core.job import Job
from harness.core.schema import LABEL
from harness.worker import models, user_code
from harness.worker.objective import IGNORED, Objective

Features = Any


@dataclass(frozen=True, slots=True)
class Tokenize:
    """The function that `Dataset.map` applies; a class, so that `spawn` can pickle it.

    Attributes:
        tokenizer: of the model.
        texts: columns of the one sentence, or of the two.
        max_length: truncation length in tokens.
    """

    tokenizer: Any
    texts: tuple[str, ...]
    max_length: int

    def __call__(self, rows: Mapping[str, Sequence[Any]]) -> Features:
        """Tokenize a batch of rows."""
        sentences = [list(rows[column]) for column in self.texts]
        return self.tokenizer(*sentences, truncation=True, max_length=self.max_length)


@dataclass(frozen=True, slots=True)
class TokenizeWords(Tokenize):
    """The same of words that have a label each, which their first token gets."""

    def __call__(self, rows: Mapping[str, Sequence[Any]]) -> Features:
        """Tokenize a batch of rows; `labels` has one a token, ignored where it is no word's first.

        Raises:
            SourceError: the tokenizer does not say which word a token is of.
        """
        (column,) = self.texts
        features = self.tokenizer(
            list(rows[column]),
            is_split_into_words=True,
            truncation=True,
            max_length=self.max_length,
        )
        if not features.is_fast:
            raise SourceError(
                f"{type(self.tokenizer).__name__} does not say which word a token is of",
                fix="use a model with a fast tokenizer (tokenizer.json)",
            )
        tags = rows[LABEL["token_classification"]]
        features["labels"] = [
            _first_tokens(features.word_ids(index), tags[index]) for index in range(len(tags))
        ]
        return features


def _first_tokens(indices: Sequence[int | None], tags: Sequence[int]) -> list[int]:
    """The label of each token: of its word where it is the first of it, else ignored."""
    before = [None, *indices[:-1]]
    return [
        tags[word] if word is not None and word != last else IGNORED
        for word, last in zip(indices, before, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class TokenizeBlocks(Tokenize):
    """Blocks of as many tokens each, cut out of all texts, one after the other."""

    def __call__(self, rows: Mapping[str, Sequence[Any]]) -> Features:
        """Tokenize a batch of rows; what is left after the last full block is left out."""
        (text,) = self.texts
        tokens = self.tokenizer(list(rows[text]), verbose=False)
        whole = [token for ids in tokens["input_ids"] for token in ids]
        size = min(self.max_length, len(whole))
        starts = range(0, len(whole) - size + 1, max(size, 1))
        blocks = [whole[start : start + size] for start in starts]
        mask = [[1] * size for _ in blocks]
        return {"input_ids": blocks, "attention_mask": mask, "labels": blocks}


class CausalCollator:
    """The library's collator for language models, of rows that are padded as a strategy says."""

    def __init__(self, tokens: Any, padded: Mapping[str, Any]) -> None:
        """Pad by some arguments of the tokenizer's `pad`."""
        self.tokens, self.padded = tokens, padded
        self.label = DataCollatorForLanguageModeling(tokens, mlm=False)

    def __call__(self, features: list[dict[str, Any]]) -> Any:
        """A batch whose labels are its tokens, ignored where they are the padding token."""
        tokens = [{n: part for n, part in row.items() if n != "labels"} for row in features]
        batch = self.tokens.pad(tokens, **self.padded)
        rows = zip(*batch.values(), strict=True)
        return self.label([dict(zip(batch, row, strict=True)) for row in rows])


class Doubled:
    """A collator whose numbers are double: torch computes some losses as its labels are."""

    def __init__(self, collate: Callable[[Any], Any]) -> None:
        """Collate by another one."""
        self.collate = collate

    def __call__(self, features: Any) -> Any:
        """Its batch."""
        batch = self.collate(features)
        for name, tensor in batch.items():
            if tensor.is_floating_point():
                batch[name] = tensor.double()
        return batch


@dataclass(frozen=True, slots=True)
class TokenizeOwn(Tokenize):
    """The same by a function of the user's, which is given the rows as they are.

    Attributes:
        reference: to it, as `module:function`.
        root: of the repository that it is imported from.
        task: that the examples are for.
    """

    reference: str
    root: str
    task: Task

    def __call__(self, rows: Mapping[str, Sequence[Any]]) -> Features:
        """Tokenize a batch of rows.

        Raises:
            SourceError: the function raises, or returns no features of these rows.
        """
        given = {name: list(values) for name, values in rows.items()}
        features = user_code.called(
            self.reference, self.root, given, self.tokenizer, self.max_length
        )
        count = len(next(iter(given.values())))
        if not isinstance(features, Mapping) or "input_ids" not in features:
            raise SourceError(
                f"{self.reference} returns a {type(features).__name__} without input_ids",
                fix="return what the tokenizer does: lists by name, input_ids among them",
            )
        for name, values in features.items():
            if len(values) != count:
                raise SourceError(
                    f"{self.reference} returns {len(values)} {name} for {count} rows",
                    fix="return one entry a row",
                )
        self._check_labels(features)
        return dict(features)

    def _check_labels(self, features: Mapping[str, Any]) -> None:
        """Refuse labels that are not learnt as they are, and tokens that have none.

        Raises:
            SourceError: the message names the function.
        """
        labels = features.get("labels")
        if self.task == "causal_lm" and labels is not None:
            raise SourceError(
                f"{self.reference} returns labels",
                why="here a language model learns every token, and the labels are the tokens",
                fix="return no labels",
            )
        if self.task != "token_classification":
            return
        widths = [len(row) for row in features["input_ids"]]
        if labels is None or [len(row) for row in labels] != widths:
            raise SourceError(
                f"{self.reference} returns not one label a token",
                fix=f"return labels as wide as input_ids, {IGNORED} where a token has none",
            )


def tokenizing(job: Job, tokenizer: Any, max_length: int) -> Tokenize:
    """What tokenizes the rows of a job for its task.

    A language model's are padded on the right from here on: on the left, the first token of a row
    would be predicted from padding.
    """
    schema = job.schema
    if schema.task == "causal_lm":
        tokenizer.padding_side = "right"
    if job.recipe.tokenize is not None:
        return TokenizeOwn(
            tokenizer, schema.texts, max_length, job.recipe.tokenize, job.root, schema.task
        )
    kind = TokenizeWords if schema.task == "token_classification" else Tokenize
    kind = TokenizeBlocks if job.collation.blocks else kind
    return kind(tokenizer, schema.texts, max_length)


def collator(
    tokens: Any, collation: Collation, max_length: int, objective: Objective
) -> Callable[[list[dict[str, Any]]], Any]:
    """The library's own padding collator for a task, set to a strategy."""
    padded = models.padding(collation, max_length)
    if objective.task == "token_classification":
        return DataCollatorForTokenClassification(tokens, **padded)  # type: ignore[no-any-return] # transformers ships no types
    if collation.blocks:  # all as wide, and their labels must not be taken for padding
        return lambda features: BatchEncoding(default_data_collator(features))
    if objective.task == "causal_lm":
        return CausalCollator(tokens, padded)
    return models.collator(tokens, collation, max_length)  # type: ignore[no-any-return] # as above

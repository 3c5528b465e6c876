"""Surveying: what the rows of a file seem to be, where nobody has declared them.

Columns that look like texts and labels are chosen by their names, and where these say nothing by
their values. What comes of the choice is then found out as loading does.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

from harness.core.errors import SourceError
from harness.core.job import LoadJob
from harness.core.survey import Column, Survey
from harness.worker import (
    columns,
    label_inference,
    labelling,
    literals,
    readers,
    sniffing,
    splitting,
)
from harness.worker.load import SEED
from harness.worker.places import Places

LABELS = (
    *("label", "labels", "class", "category", "target", "sentiment", "intent", "topic", "queue"),
    *("tags", "ner_tags", "ner", "pos_tags", "emotion", "emotions", "score", "rating", "stars"),
    *("similarity", "y", "gold", "label_id", "kind", "type"),
)
"""Names that a label column has most often, the likeliest first."""

TEXTS = (
    *("text", "sentence", "sentence1", "sentence2", "premise", "hypothesis", "question"),
    *("question1", "question2", "text1", "text2", "text_a", "text_b", "subject", "body", "title"),
    *("content", "review", "comment", "message", "tweet", "document", "description", "utterance"),
    *("query", "passage", "words", "tokens"),
)
"""Names that a text column has."""

JOINED = "labels in a text"
"""The kind of a column whose cells name several labels."""

_MOST_TEXTS = 2
_LABEL_WORDS = 2
_SEVERAL = 0.01
_SPACED = 0.5
_FEW = 50
_REPEATED = 0.5


def survey(job: LoadJob) -> Survey:
    """What a job's rows look like; what it declares is taken.

    Raises:
        SourceError: they cannot be read, or it cannot be told what there is to learn.
    """
    builder, options = _written(job)
    dataset = job.dataset
    if builder:
        files = tuple(file for part in job.files.values() for file in part)
        dataset = replace(dataset, path=builder, data_files=files)
    dataset = replace(dataset, options={**options, **dataset.options})
    rows, places = readers.read(replace(job, dataset=dataset))
    train = splitting.divide(dataset, rows.keys(), SEED).train
    described = [_column(name, rows[train]) for name in rows[train].column_names]
    label = dataset.label if dataset.label in rows[train].column_names else None
    label = label or _label(described, len(rows[train]))
    texts = dataset.text_columns or _texts(described, label)
    if not texts or (label is None and len(described) > len(texts)):
        raise SourceError(
            f"{places.of_split(train)}: it cannot be told which column is "
            f"{'the text' if not texts else 'the label'}",
            why=f"its columns: {', '.join(column.name for column in described)}",
            fix="name them: --text COLUMN --label COLUMN",
        )
    kinds = {column.name: column.kind for column in described}
    if dataset.task is None and label is not None and kinds[label] == JOINED:
        dataset = replace(dataset, task="multi_label_classification")
    dataset = replace(dataset, texts=texts, label=label, incomplete="drop")
    rows, places = readers.read(replace(job, dataset=dataset))  # now as they stand
    split = columns.split_of(dataset, train, rows[train], places)
    labels = label_inference.of(dataset, split, texts=places.builder == "csv")
    division = splitting.divide(dataset, rows, SEED)
    return Survey(
        builder=builder,
        options=options,
        splits={name: len(part) for name, part in rows.items()},
        columns=tuple(described),
        texts=texts,
        label=label,
        task=labels.task,
        label_names=labels.names,
        counts=_counts(labels, split),
        incomplete=split.dropped,
        length=_length(split, texts),
        model_types=tuple(CONFIG_MAPPING_NAMES),
        notes=(
            *places.notes,
            *labels.notes,
            *_first_words(rows[train], places),
            *filter(None, [division.note]),
        ),
    )


def _written(job: LoadJob) -> tuple[str, Mapping[str, Any]]:
    """The builder that reads a job's files, if their ending does not say it; and its options."""
    file = Path(next((file for part in job.files.values() for file in part), ""))
    ending = readers.ending_of(str(file))
    if (
        job.dataset.is_code
        or "" in job.files
        or not (ending in {".csv", ".tsv", ".txt"} or ending not in readers.BUILDERS)
    ):
        return "", {}
    mark = {".csv": ",", ".tsv": "\t"}.get(ending)
    options = sniffing.options_of(file, "\t" if mark == "\t" else None)
    if options is None:
        return "", sniffing.encoding_of(file)
    return ("csv" if mark is None else ""), options


def _first_words(rows: Any, places: Places) -> list[str]:
    """A remark on lines that seem to begin with their label, which no reader takes for one."""
    if places.builder != "text":
        return []
    counts = Counter(line.split(maxsplit=1)[0] for line in rows["text"][:] if line.strip())
    if not 1 < len(counts) <= min(_FEW, _REPEATED * counts.total()):
        return []
    first, second = (word for word, _ in counts.most_common(2))
    remark = f"its lines begin with one of {len(counts)} words, such as {first!r} and {second!r}"
    return [f"{remark}: if these are labels, let a function return the rows: path='rows:load'"]


def _column(name: str, rows: Any) -> Column:
    """What a column of some rows looks like."""
    values = rows[name][:]
    present = [value for value in values if value is not None and value != ""]
    lists = bool(present) and isinstance(present[0], list)
    parts = [part for value in present for part in value] if lists else present
    kind = _kind(next(iter(parts), None))
    if kind == "texts" and not lists and (several := _joined(present)):
        kind, parts = JOINED, sorted(several)
    texts = [" ".join(map(str, value)) if lists else str(value) for value in present]
    return Column(
        name=name,
        kind=f"lists of {kind}" if lists else kind,
        distinct=len({str(part) for part in parts}),
        empty=len(values) - len(present),
        length=float(np.mean([len(text) for text in texts])) if texts else 0.0,
        spaced=float(np.mean([" " in text.strip() for text in texts])) if texts else 0.0,
    )


def _joined(texts: Sequence[str]) -> set[str]:
    """The labels that texts name, if some name several and all are of a few; else none."""
    if not all(isinstance(text, str) for text in texts):
        return set()
    rows = [*map(literals.joined(texts), texts)]
    several = sum(len(row) > 1 for row in rows)
    labels = {part for row in rows for part in row}
    few = 1 < len(labels) <= _FEW and all(len(label.split()) <= _LABEL_WORDS for label in labels)
    fewer = len(labels) < len(set(texts))
    return labels if several > _SEVERAL * len(rows) and few and fewer else set()


def _kind(value: Any) -> str:
    """The type of a value, as people say it."""
    names = {bool: "truth values", int: "whole numbers", float: "numbers", str: "texts"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "other values")


def _label(described: Sequence[Column], rows: int) -> str | None:
    """The column that is most likely the label, of so many rows."""
    able = [column for column in described if _can_label(column, rows)]
    by_name = {column.name.lower(): column.name for column in able}
    named = next((by_name[name] for name in LABELS if name in by_name), None)
    few = [column.name for column in able if column.distinct <= _FEW]
    return named or (few[-1] if few else None)


def _can_label(column: Column, rows: int) -> bool:
    """Whether a column's values can be labels: several, that come again, and are no sentences."""
    if column.distinct < 2 or column.kind.endswith("other values"):  # noqa: PLR2004 - else one
        return False
    if column.kind in {"numbers", JOINED} or column.kind.startswith("lists"):
        return True
    repeated = column.distinct <= _REPEATED * (rows - column.empty)
    return repeated and (column.kind != "texts" or column.spaced < _SPACED)


def _texts(described: Sequence[Column], label: str | None) -> tuple[str, ...]:
    """The columns that are most likely the texts: one, or two that belong together."""
    able = [c for c in described if c.name != label and c.kind in {"texts", "lists of texts"}]
    named = [column.name for column in able if column.name.lower() in TEXTS]
    prose = [c.name for c in able if c.spaced >= _SPACED or c.kind == "lists of texts"]
    chosen = named or prose or [column.name for column in able[:1]]
    lists = [column.name for column in able if column.kind == "lists of texts"]
    if lists:
        return tuple([name for name in chosen if name in lists][:1] or lists[:1])
    if len(chosen) > _MOST_TEXTS and not named:
        longest = max(able, key=lambda column: column.length)
        return (longest.name,)
    return tuple(chosen[:_MOST_TEXTS])


def _counts(labels: labelling.Labelling, split: columns.Split) -> dict[str, int]:
    """Rows by label name, where each has one."""
    if labels.task != "single_label_classification":
        return {}
    ids = Counter(labelling.learnt(labels, split, "label"))
    return {name: ids[index] for index, name in enumerate(labels.names)}


def _length(split: columns.Split, texts: Sequence[str]) -> int:
    """Words of a row's texts; of twenty rows, nineteen have no more."""
    rows = zip(*(split.table.column(name).to_pylist() for name in texts), strict=True)
    counts = [
        sum(len(text if isinstance(text, list) else text.split()) for text in row) for row in rows
    ]
    return int(np.quantile(counts, 0.95)) if counts else 0

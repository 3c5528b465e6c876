"""A data set of one's own: where its rows lie, and which columns train what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from harness.core.spec import Spec

Task = Literal[
    "single_label_classification",
    "multi_label_classification",
    "regression",
    "token_classification",
    "causal_lm",
]
TASKS: tuple[Task, ...] = get_args(Task)

Files = str | tuple[str, ...]


_SPLITS = ("train", "training", "data", "input", "rows")
"""Names of files that say nothing of what is in them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset(Spec):
    """Rows to train on and to evaluate, in the words of `datasets.load_dataset`.

    Attributes:
        path: a CSV, TSV, JSON Lines, Parquet, Arrow or text file; a folder that `save_to_disk` or
            a collection of such files; a Hub repository; a builder of `load_dataset` such as
            `csv`, with `data_files`; or `module:function`, which returns a `DatasetDict` in the
            judged environment. Paths are relative to the repository that holds the suites.
        name: configuration of a Hub repository.
        revision: of a Hub repository: a branch, a tag or a commit.
        data_files: files by their split, or files of the one split there is; patterns such as
            `part-*.csv` are matched. A function of `path` is called with them.
        options: further arguments of the reader, such as `{"delimiter": ";"}`.
        splits: which of the source's splits is `train`, `evaluation` and `holdout`; a number is
            the share of the training rows that is split off by `subset_seed`. Where nothing is
            said: `train`; `validation`, `dev`, `test` or a fifth of the training rows.
        texts: the column of the one text, or the columns of the two; of a token classification,
            the column of the words.
        label: the column of the labels; None where there is none to learn, as in language models.
        label_names: in the order of their ids; of what the column holds, sorted, if empty.
        task: what is learnt; what the label column holds decides if None.
        metrics: names of metrics, or `module:function`; those that the task is judged by if
            empty.
        incomplete: what becomes of rows that have no text, or no label: `refuse` the data set, or
            `drop` them, which the session says. Of two texts, one may be empty.
    """

    path: str
    name: str | None = None
    revision: str | None = None
    data_files: Files | Mapping[str, Files] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    splits: Mapping[str, str | float] = field(default_factory=dict)
    texts: str | tuple[str, ...] = ()
    label: str | None = "label"
    label_names: tuple[str, ...] = ()
    task: Task | None = None
    metrics: tuple[str, ...] = ()
    incomplete: Literal["refuse", "drop"] = "refuse"

    def __str__(self) -> str:
        """A short name, for ids and tables: the function's, the configuration's or the file's.

        A file that is named for its split alone is called by its folder.
        """
        if self.is_code:
            return self.path.rpartition(":")[2]
        files = self.data_files
        if self.name or not files:
            return self.name or _called(self.path)
        first = next(iter(files.values())) if isinstance(files, Mapping) else files
        return _called(first if isinstance(first, str) else first[0])

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The text columns, also where there is one."""
        return (self.texts,) if isinstance(self.texts, str) else self.texts

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the rows must have."""
        return (*self.text_columns, *([self.label_column] if self.label_column else []))

    @property
    def label_column(self) -> str | None:
        """The label column; None where there is nothing but text to learn."""
        return None if self.task == "causal_lm" else self.label

    @property
    def is_code(self) -> bool:
        """Whether a function of the user makes the rows."""
        return is_reference(self.path)


def _called(path: str) -> str:
    """What a file or a folder is called."""
    named = Path(path)
    plain = named.name.partition(".")[0]
    return (named.parent.name if plain in _SPLITS else plain) or plain or path


def is_reference(text: str) -> bool:
    """Whether a text names a `module:attribute`."""
    module, colon, attribute = text.partition(":")
    return bool(colon) and all(
        part.isidentifier() for part in (*module.split("."), *attribute.split("."))
    )

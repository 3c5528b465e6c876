"""Whether a declared data set makes sense, before any of its files is looked for."""

from harness.core.dataset import Dataset
from harness.core.errors import SpecError, short, unknown

SPLITS = ("train", "evaluation", "holdout")
"""What rows can serve."""

_MOST_TEXTS = 2
_OURS = {
    "cache_dir": "is where a session puts it",
    "data_files": "has a field of its own: Dataset(data_files=…)",
    "name": "has a field of its own: Dataset(name=…)",
    "path": "has a field of its own: Dataset(path=…)",
    "revision": "has a field of its own: Dataset(revision=…)",
    "split": "is said by Dataset(splits={…})",
    "streaming": "is said by Recipe(streaming=True)",
    "trust_remote_code": "is never given: write a module:function of your own",
}
"""Arguments of `load_dataset` that are no options of a reader."""


def check(dataset: Dataset) -> None:
    """Refuse a data set that cannot mean anything.

    Raises:
        SpecError: the message names the field, the reason and what to write instead.
    """
    if not dataset.path:
        raise SpecError("Dataset(path='') names nothing", fix="name a file, a folder or a function")
    _check_texts(dataset)
    _check_labels(dataset)
    _check_splits(dataset)
    for name in dataset.options:
        if name in _OURS:
            raise SpecError(f"Dataset(options={{{name!r}: …}}): {name} {_OURS[name]}")
    if dataset.is_code and dataset.options:
        raise SpecError(
            f"Dataset(path={dataset.path!r}) has options {', '.join(dataset.options)}",
            why="options are a reader's, and here a function makes the rows",
            fix="leave options out",
        )


def _check_texts(dataset: Dataset) -> None:
    """Refuse text columns that are none, too many, or also the label."""
    columns = dataset.text_columns
    if not columns or not all(columns):
        raise SpecError(
            f"Dataset(path={dataset.path!r}) names no text column",
            fix="say texts='COLUMN', or texts=('FIRST', 'SECOND')",
        )
    if len(columns) > _MOST_TEXTS:
        raise SpecError(
            f"texts={short(columns)} has {len(columns)} columns",
            why="a tokenizer takes one text or two",
            fix="join them with a module:function that makes the rows",
        )
    if len(set(columns)) < len(columns):
        raise SpecError(f"texts={columns!r} repeats a column", fix="name two columns, or one")
    if dataset.label_column in columns:
        raise SpecError(
            f"{dataset.label!r} is both a text and the label", fix="correct texts= or label="
        )
    if len(columns) > 1 and dataset.task in {"token_classification", "causal_lm"}:
        raise SpecError(
            f"texts={columns!r} has {len(columns)} columns",
            why=f"{dataset.task} reads one",
            fix="name one column",
        )


def _check_labels(dataset: Dataset) -> None:
    """Refuse labels that contradict the task, or that are no two."""
    if dataset.label == "":
        raise SpecError("label='' names no column", fix="name one, or say label=None")
    if dataset.label is None and dataset.task not in {None, "causal_lm"}:
        raise SpecError(
            f"task={dataset.task!r} needs labels, and label=None says that there are none",
            fix="name their column, or say task='causal_lm'",
        )
    names = dataset.label_names
    if not names:
        return
    if len(set(names)) < len(names):
        raise SpecError(f"label_names={short(names)} repeats a name", fix="name each label once")
    if len(names) == 1:
        raise SpecError(
            f"label_names={names!r} is one label alone",
            why="there is nothing to tell it from",
            fix="name all, or leave label_names out",
        )
    if dataset.task in {"regression", "causal_lm"} or dataset.label is None:
        raise SpecError(
            f"label_names={short(names)} of a task that has no labels to name",
            why=f"task={dataset.task or 'causal_lm'!r}",
            fix="leave label_names out, or correct task=",
        )


def _check_splits(dataset: Dataset) -> None:
    """Refuse splits that serve nothing, and shares that are none."""
    splits = dataset.splits
    for name, source in splits.items():
        if name not in SPLITS:
            raise unknown("split", name, SPLITS)
        if isinstance(source, str):
            continue
        if name == "train":
            raise SpecError(
                f"splits={{'train': {source!r}}}: what is trained on is no share",
                fix="say the shares of 'evaluation' and 'holdout'; the rest is trained on",
            )
        if not 0 < source < 1:
            raise SpecError(
                f"splits={{{name!r}: {source!r}}} is no share",
                fix="give a number between 0 and 1, or the name of a split",
            )
    shares = [source for source in splits.values() if not isinstance(source, str)]
    if sum(shares) >= 1:
        raise SpecError(
            f"splits={short(dict(splits))} leaves nothing to train on",
            fix="give shares that sum to less than 1",
        )
    named = [source for source in splits.values() if isinstance(source, str)]
    if "train" in splits and named.count(str(splits["train"])) > 1:
        raise SpecError(
            f"splits={short(dict(splits))} evaluates what is trained on",
            fix="name another split, or a share such as 0.2",
        )

"""Readers: a user's rows, as `datasets` reads them, by the source's split."""

import glob
import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import datasets

from harness.core.dataset import Dataset
from harness.core.errors import SourceError
from harness.core.job import LoadJob

_BUILDERS = {
    **dict.fromkeys((".csv", ".tsv"), "csv"),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), "json"),
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".txt": "text",
}
"""Builders of `load_dataset`, by the ending of the files that they read."""

_PACKED = {".gz", ".bz2", ".xz", ".zst", ".zip"}
"""Endings of files that `datasets` unpacks before it reads them."""


def read(job: LoadJob) -> Any:
    """A `DatasetDict` of the rows, as they are.

    Raises:
        SourceError: they cannot be read; the message names the file and what to write instead.
    """
    dataset = job.dataset
    if dataset.is_code:
        return _split_by_name(_called(dataset.path, job.root, job.files), dataset.path)
    folder = _saved(job.files)
    if folder is not None:
        return _split_by_name(_attempt(datasets.load_from_disk, folder, str(folder)), str(folder))
    if dataset.name is not None or not _one_kind(job.files):
        return _of_repository(job)
    builder = dataset.path if dataset.path in _BUILDERS.values() else _builder_of(job.files)
    options = dict(dataset.options)
    if builder == "csv" and all(_ending(file) == ".tsv" for file in _all(job.files)):
        options.setdefault("delimiter", "\t")
    literal = {
        split or "train": [glob.escape(file) for file in files]
        for split, files in job.files.items()
    }
    return _attempt(
        datasets.load_dataset,
        builder,
        ", ".join(_all(job.files)),
        data_files=literal,
        cache_dir=job.scratch,
        **options,
    )


def _called(reference: str, root: str, files: Mapping[str, tuple[str, ...]]) -> Any:
    """What a function of the user returns; it is given the files if some are declared."""
    module, _, attribute = reference.partition(":")
    if root not in sys.path:
        sys.path.insert(0, root)
    try:
        function: Any = importlib.import_module(module)
        for name in attribute.split("."):
            function = getattr(function, name)
    except Exception as error:
        raise SourceError(
            f"{reference} cannot be imported",
            why=_reason(error),
            fix=f"write it as module:function; modules are looked for in {root} first",
        ) from error
    try:
        return function(dict(files)) if files else function()
    except Exception as error:
        raise SourceError(
            f"{reference} raised an exception", why=_reason(error), fix="correct the function"
        ) from error


def _split_by_name(rows: Any, where: str) -> Any:
    """Rows as a `DatasetDict`, if they are a data set at all."""
    if isinstance(rows, datasets.DatasetDict | datasets.IterableDatasetDict):
        return rows
    if isinstance(rows, datasets.Dataset | datasets.IterableDataset):
        return datasets.DatasetDict({"train": rows})
    raise SourceError(
        f"{where} gives a {type(rows).__name__}",
        fix="return a datasets.Dataset, or a DatasetDict with one a split",
    )


def _saved(files: Mapping[str, tuple[str, ...]]) -> Path | None:
    """The folder that `save_to_disk` wrote, if that is what the files are of."""
    paths = [Path(file) for file in _all(files)]
    marked = {p.parent for p in paths if p.name == "dataset_dict.json"}
    marked = marked or {p.parent for p in paths if p.name == "dataset_info.json"}
    return min(marked, key=lambda path: len(path.parts)) if marked else None


def _of_repository(job: LoadJob) -> Any:
    """Rows of a folder that is laid out as a repository of the Hub is."""
    files = _all(job.files)
    if not files:
        raise SourceError(f"{job.dataset.path} has no files", fix="correct path")
    folder = Path(files[0]).parent
    while not all(Path(file).is_relative_to(folder) for file in files):
        folder = folder.parent
    return _attempt(
        datasets.load_dataset,
        str(folder),
        str(folder),
        name=job.dataset.name,
        cache_dir=job.scratch,
        **job.dataset.options,
    )


def _one_kind(files: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether files are named by split, or are one by itself."""
    return bool(files) and ("" not in files or len(files[""]) == 1)


def _builder_of(files: Mapping[str, tuple[str, ...]]) -> str:
    """The builder that reads some files."""
    endings = sorted({_ending(file) for file in _all(files)})
    builders = {_BUILDERS.get(ending) for ending in endings}
    (builder, *others) = sorted(builders, key=str)
    if builder is None or others or None in builders:
        raise SourceError(
            f"{_all(files)[0]} is no table that datasets reads by its ending",
            why=f"endings: {', '.join(ending or 'none' for ending in endings)}",
            fix=f"name it one of {', '.join(_BUILDERS)}, say what it is as in Dataset(path='csv', "
            "data_files=…), or read it with a module:function",
        )
    return builder


def _ending(file: str) -> str:
    """A file's ending, without that of what it is packed in."""
    path = Path(file)
    return (path.with_suffix("") if path.suffix in _PACKED else path).suffix.lower()


def _all(files: Mapping[str, tuple[str, ...]]) -> list[str]:
    """All files of all splits."""
    return [file for part in files.values() for file in part]


def _attempt(load: Any, first: Any, where: str, /, **options: Any) -> Any:
    """What loading gives.

    Raises:
        SourceError: it raises.
    """
    try:
        return load(str(first), **options)
    except Exception as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        fix = "correct the file, or how it is read, with options={…}"
        if isinstance(cause, UnicodeDecodeError):
            fix = "say its encoding, as in options={'encoding': 'latin-1'}"
        raise SourceError(f"{where} cannot be read", why=_reason(cause), fix=fix) from error


def _reason(error: BaseException) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {error}".splitlines()[0]


def columns_missing(dataset: Dataset, present: list[str], where: str) -> SourceError | None:
    """The error for columns that a declaration names and rows do not have; None if all are there.

    A single column whose name holds a delimiter is a file that was read with another one.
    """
    missing = [name for name in dataset.columns if name not in present]
    if not missing:
        return None
    fix = "correct texts= and label=, or the file's header"
    if len(present) == 1:
        marks = [mark for mark in (";", "\t", "|", ",") if mark in present[0]]
        if marks:
            fix = f"say how columns are told apart: options={{'delimiter': {marks[0]!r}}}"
    return SourceError(
        f"{where} has no column {', '.join(missing)}",
        why=f"its columns: {', '.join(present)}",
        fix=fix,
    )

"""Readers: a user's rows, as `datasets` reads them, by the source's split."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from glob import escape
from itertools import islice
from pathlib import Path
from typing import Any

import datasets

from harness.core.dataset import Dataset
from harness.core.errors import SourceError, reason
from harness.core.job import LoadJob
from harness.worker import user_code
from harness.worker.places import PACKED, Places, shown

BUILDERS = {
    **dict.fromkeys((".csv", ".tsv"), "csv"),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), "json"),
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".txt": "text",
}
"""Builders of `load_dataset` that read files, by the endings of these."""

_STREAMED = 100_000
"""Rows that are taken of a stream: one may be endless."""

_NO_ROWS = ("corresponds to no data", "BatchSize must be greater than 0")
"""What `datasets` says of a file without rows."""

_SECOND = 2


def read(job: LoadJob) -> tuple[Mapping[str, Any], Places]:
    """`datasets.Dataset` by the source's split, as they are; and where their rows lie.

    Raises:
        SourceError: they cannot be read; the message names the file and what to write instead.
    """
    dataset, folder = job.dataset, _folder(job.files)
    if dataset.is_code:
        arguments = [dict(job.files)] if job.files else []
        rows = user_code.called(dataset.path, job.root, *arguments)
        places = Places(source=dataset.path)
    elif folder is None:
        rows, places = _of_files(job)
    elif (saved := _saved(job.files)) is not None:
        places = Places(source=shown(saved, job.root))
        rows = _attempt(places, datasets.load_from_disk, str(saved))
    else:
        rows, places = _of_folder(job, folder)
    return _whole(_by_split(rows, places), places)


def _of_files(job: LoadJob) -> tuple[Any, Places]:
    """Rows of files, each split's own."""
    declared = job.dataset.path
    builder = declared if declared in BUILDERS.values() else _builder_of(job)
    delimiters = [_delimiter(file) for part in job.files.values() for file in part]
    options = _options(job.dataset, builder, delimiters)
    places = Places(
        source=", ".join(shown(file, job.root) for part in job.files.values() for file in part),
        files=job.files,
        builder=builder,
        options=options,
        root=job.root,
    )
    literal = {split: [escape(file) for file in files] for split, files in job.files.items()}
    rows = _attempt(
        places,
        datasets.load_dataset,
        builder,
        data_files=literal,
        cache_dir=job.scratch,
        **options,
    )
    return rows, places


def _of_folder(job: LoadJob, folder: Path) -> tuple[Any, Places]:
    """Rows of a folder that is laid out as a repository of the Hub is.

    Which of its files are a split's, `datasets` knows, by their names or by the folder's card.
    """
    unread = Places(source=shown(folder, job.root))
    arguments = {"name": job.dataset.name, "cache_dir": job.scratch}
    known = _attempt(unread, datasets.load_dataset_builder, str(folder), **arguments)
    builder = type(known).__module__.rpartition(".")[2]
    files = {str(split): tuple(map(str, part)) for split, part in known.config.data_files.items()}
    read_with = getattr(known.config, "sep", None)
    if read_with == "," and any(_delimiter(f) == "\t" for part in files.values() for f in part):
        read_with = "\t"
    options = _options(job.dataset, builder, [read_with])
    places = Places(
        source=unread.source, files=files, builder=builder, options=options, root=job.root
    )
    rows = _attempt(places, datasets.load_dataset, str(folder), **arguments, **options)
    return rows, places


def _options(dataset: Dataset, builder: str, delimiters: Sequence[str | None]) -> dict[str, Any]:
    """What a builder is given beside the files.

    Texts and labels of a CSV file are taken as they stand there: pandas would make a number of
    `007`, and nothing of `NA`, `None` or `null`, which a person may have written and meant. Only
    an empty cell is empty.
    """
    options = dict(dataset.options)
    if builder != "csv":
        return options
    (delimiter, *others) = sorted({mark for mark in delimiters if mark is not None}) or [","]
    if not {"sep", "delimiter"} & options.keys() and not others:
        options["sep"] = delimiter
    as_they_are = dict.fromkeys(dataset.columns, str)
    return {"keep_default_na": False, "na_values": [""], "converters": as_they_are, **options}


def _by_split(rows: Any, places: Places) -> Mapping[str, Any]:
    """Rows or a stream of them by their split's name, if they are a data set at all.

    Raises:
        SourceError: they are not.
    """
    if isinstance(rows, datasets.Dataset | datasets.IterableDataset):
        rows = {"train": rows}
    if (
        not isinstance(rows, Mapping)
        or not rows
        or not all(
            isinstance(v, datasets.Dataset | datasets.IterableDataset) for v in rows.values()
        )
    ):
        raise SourceError(
            f"{places.source} gives a {type(rows).__name__}",
            why="" if rows or not isinstance(rows, Mapping) else "it has no split",
            fix="return a datasets.Dataset, or a DatasetDict with one a split",
        )
    return {str(name): split for name, split in rows.items()}


def _whole(by_split: Mapping[str, Any], places: Places) -> tuple[Mapping[str, Any], Places]:
    """Splits whose rows can be counted: of a stream, its beginning, which is noted."""
    whole, notes = {}, []
    for name, split in by_split.items():
        whole[name] = split
        if isinstance(split, datasets.Dataset):
            continue
        try:
            rows = list(islice(split, _STREAMED + 1))
            whole[name] = datasets.Dataset.from_list(rows[:_STREAMED], features=split.features)
        except Exception as error:
            raise SourceError(
                f"{places.source} cannot be read", why=reason(error), fix="correct the stream"
            ) from error
        if len(rows) > _STREAMED:
            notes.append(f"{name}: the first {_STREAMED:,} rows of a stream, which has more")
    return whole, replace(places, notes=(*places.notes, *notes))


def _folder(files: Mapping[str, tuple[str, ...]]) -> Path | None:
    """The folder whose layout says which of its files are a split's, if there is one."""
    inside = files.get("", ())
    if not inside:
        return None
    folder = Path(inside[0]).parent
    while not all(Path(file).is_relative_to(folder) for file in inside):
        folder = folder.parent
    return folder


def _saved(files: Mapping[str, tuple[str, ...]]) -> Path | None:
    """The folder that `save_to_disk` wrote, if that is what the files are of."""
    paths = {Path(file) for file in files[""]}
    several = {p.parent for p in paths if p.name == "dataset_dict.json"}
    single = {
        p.parent
        for p in paths
        if p.name == "dataset_info.json" and p.with_name("state.json") in paths
    }
    marked = several or single
    return min(marked, key=lambda path: len(path.parts)) if marked else None


def _builder_of(job: LoadJob) -> str:
    """The builder that reads a job's files, by their endings."""
    files = [file for part in job.files.values() for file in part]
    builders = {BUILDERS.get(ending_of(file)): file for file in files}
    if None in builders:
        ending = ending_of(builders[None])
        raise SourceError(
            f"{shown(builders[None], job.root)} is no table that datasets reads by its ending",
            why=f"it ends in {ending}" if ending else "it has no ending",
            fix=f"name it one of {', '.join(BUILDERS)}; say what it is, as in "
            f"Dataset(path='csv', data_files={job.dataset.path!r}); or read it with a "
            "module:function",
        )
    if len(builders) >= _SECOND:
        raise SourceError(
            f"files of several kinds: {', '.join(shown(f, job.root) for f in builders.values())}",
            fix="name files of one kind in data_files",
        )
    return str(next(iter(builders)))


def ending_of(file: str) -> str:
    """A file's ending, without that of what it is packed in."""
    path = Path(file)
    return (path.with_suffix("") if path.suffix in PACKED else path).suffix.lower()


def _delimiter(file: str) -> str:
    """What stands between a file's columns, by its ending."""
    return "\t" if ending_of(file) == ".tsv" else ","


def _attempt(places: Places, load: Any, first: str, /, **options: Any) -> Any:
    """What loading gives.

    Raises:
        SourceError: it raises.
    """
    try:
        return load(first, **options)
    except Exception as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        if any(sign in str(cause) for sign in _NO_ROWS):
            raise SourceError(f"{places.source} has no rows", fix="correct path") from error
        raise SourceError(
            f"{places.source} cannot be read", why=reason(cause), fix=_remedy(cause, places)
        ) from error


def _remedy(cause: BaseException, places: Places) -> str:
    """What to do about files that cannot be read."""
    text = str(cause)
    if isinstance(cause, UnicodeDecodeError):
        utf16 = cause.object[:2] in {b"\xff\xfe", b"\xfe\xff"}
        likely = "utf-16" if utf16 else "latin-1"
        return f"say its encoding, as in options={{'encoding': {likely!r}}}"
    if places.builder == "csv" and "tokenizing" in text:
        return (
            "correct the line; or say what stands between columns, as in "
            "options={'delimiter': ';'}, or that quotes are text: options={'quoting': 3}"
        )
    if isinstance(cause, TypeError) and places.options:
        return "correct options={…}"
    if isinstance(cause, ValueError) and "BuilderConfig" in text:
        return "correct name"
    return "correct the file, or how it is read, with options={…}"

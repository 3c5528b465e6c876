"""Sources: where data sets, models and metrics of the catalog really lie, as local paths.

A source folder holds `datasets/NAME/SPLIT*.parquet`, `models/NAME/` and `metrics/NAME/`. The
embedded fixtures are one, and `--harness-sources` names others. At full scale the Hugging Face
cache and then the Hub come after them, but not for metrics: a metric is code, and none is run
that nobody has named.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.errors import MissingSourceError, SourceError
from harness.core.recipe import Scale
from harness.core.schema import Schema
from harness.judge.catalog import DatasetSource, ModelSource
from harness.judge.runs.inputs import Tables
from harness.judge.runs.lookup import Lookup, from_cache, from_hub, from_package
from harness.judge.runs.safety import refuse_unsafe


def hub_is_offline() -> bool:
    """Whether the user keeps Hugging Face's libraries from the network."""
    return os.environ.get("HF_HUB_OFFLINE", "").lower() in {"1", "true", "yes", "on"}


def embedded() -> Path:
    """The fixtures: inside the installed package, or beside it in a source tree."""
    package = Path(__file__).resolve().parents[2]
    inside = package / "fixtures"
    return inside if inside.is_dir() else package.parent / "fixtures"


@dataclass(slots=True)
class Sources:
    """Looks data sets, models and metrics up, and remembers where each is or why it is nowhere.

    Attributes:
        folders: of `--harness-sources`, in order.
        hub: whether to ask the Hugging Face cache and the Hub at all.
    """

    folders: tuple[Path, ...] = ()
    hub: bool = True
    _folders: dict[tuple[str, str, Scale], Path | SourceError] = field(default_factory=dict)

    def tables(self, dataset: DatasetSource, scale: Scale) -> Tables:
        """The tables of a data set that the catalog knows, with its metrics.

        Raises:
            MissingSourceError: something is nowhere; the message lists every place tried.
            SourceError: something is refused or malformed.
        """
        if scale == "full":
            self._check_folders()
        schema = Schema(texts=dataset.texts, label_names=dataset.label_names)
        folder = self._folder_of(Lookup.of_dataset(dataset), scale)
        files = {
            "train": split_files(folder, "train"),
            "evaluation": split_files(folder, dataset.evaluated),
        }
        if scale == "full":  # the embedded tables are ours, and pyarrow takes a while to import
            from harness.core.tables import check_footers

            for split in files.values():
                check_footers(split, schema)
        return Tables(
            files=files,
            schema=schema,
            metrics=self.metrics(dataset.metrics, scale),
            compared_metrics=dataset.compared_metrics,
            f1_average=dataset.f1_average,
            ceiling=ceiling(folder, dataset.evaluated),
            origin=str(folder),
        )

    def metrics(self, names: Iterable[str], scale: Scale) -> dict[str, Path]:
        """Folders of metric modules by name.

        Raises:
            MissingSourceError: one is nowhere.
        """
        return {name: self._folder_of(Lookup.of_metric(name), scale) for name in names}

    def checkpoint(self, model: ModelSource, scale: Scale) -> Path:
        """The folder of a model of the catalog, safe to load; at tiny scale, of its stand-in.

        Raises:
            MissingSourceError: it is nowhere; the message lists every place tried.
            SourceError: it is refused.
        """
        if scale == "full":
            self._check_folders()
        folder = self._folder_of(Lookup.of_model(model, scale), scale)
        refuse_unsafe(folder)
        return folder

    def _check_folders(self) -> None:
        """Refuse a folder of `--harness-sources` that is none."""
        for folder in self.folders:
            if not folder.is_dir():
                raise SourceError(
                    f"{folder} is no folder", fix="correct --harness-sources, or leave it out"
                )

    def _folder_of(self, lookup: Lookup, scale: Scale) -> Path:
        """The folder of a data set, model or metric; remembered, failures too."""
        key = (lookup.kind, lookup.name, scale)
        known = self._folders.get(key)
        if known is None:
            try:
                known = self._search(lookup, scale)
            except SourceError as error:
                known = error
            self._folders[key] = known
        if isinstance(known, SourceError):
            raise known
        return known

    def _search(self, lookup: Lookup, scale: Scale) -> Path:
        """Try every place in order."""
        tried: list[str] = []
        roots = [embedded()] if scale == "tiny" else [*self.folders]
        if lookup.kind == "metrics":  # at the tiny scale, the embedded ones come first
            roots += self.folders if scale == "tiny" else [embedded()]
        for folder in (root / lookup.kind / lookup.stored for root in roots):
            if folder.is_dir():
                return folder
            tried.append(str(folder))
        if scale == "full" and lookup.kind != "metrics":
            steps = [from_package, *([from_cache, from_hub] if self.hub else [])]
            for step in steps:
                place, where = step(lookup)
                if place is not None:
                    return place
                tried += [where] if where else []
        raise MissingSourceError(
            f"{lookup.kind.removesuffix('s')} {lookup.name!r} was not found",
            why="\n".join(["tried:", *(f"  {place}" for place in tried)]),
            fix=f"give a folder that holds {lookup.kind}/{lookup.example} with --harness-sources, "
            "or go online",
        )


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

"""Sources: where a cell's data set, model and metrics really lie, as local paths.

A source folder holds `datasets/NAME/SPLIT*.parquet`, `models/NAME/` and `metrics/NAME/`. The
embedded fixtures are one, and `--harness-sources` names others. At full scale the Hugging Face
cache and then the Hub come after them, but not for metrics: a metric is code, and none is run
that nobody has named.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core import digest
from harness.core.errors import MissingSourceError, SourceError
from harness.core.recipe import Scale
from harness.judge import catalog
from harness.judge.catalog import Dataset, Model
from harness.judge.cell import Cell
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """What a cell trains on, as local paths.

    Attributes:
        files: parquet files by split, `train` and `evaluation`.
        model: folder of the checkpoint.
        metrics: folders of metric modules by name.
        ceiling: best possible metrics of the evaluated split, where they are known.
        origins: the folder of each, as text.
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
    """Looks data sets, models and metrics up, and remembers where each is or why it is nowhere.

    Attributes:
        folders: of `--harness-sources`, in order.
        hub: whether to ask the Hugging Face cache and the Hub at all.
    """

    folders: tuple[Path, ...] = ()
    hub: bool = True
    _folders: dict[tuple[str, str, Scale], Path | SourceError] = field(default_factory=dict)
    _inputs: dict[tuple[str, str, Scale], Inputs] = field(default_factory=dict)

    def find(self, cell: Cell) -> Inputs:
        """Everything that a cell trains on.

        Raises:
            MissingSourceError: something is nowhere; the message lists every place tried.
            SourceError: something is refused or malformed.
        """
        return self._inputs_of(cell.dataset, cell.model, cell.scale)

    def find_tokens(self, cell: Cell) -> Inputs:
        """What tells the lengths of a cell's examples: another model's tokenizer will do.

        Raises:
            MissingSourceError: neither the model nor one of the same vocabulary is anywhere.
            SourceError: something is refused or malformed.
        """
        missing = None
        for model in (cell.model, *catalog.kin(cell.model)):
            try:
                return self._inputs_of(cell.dataset, model, cell.scale)
            except MissingSourceError as error:
                missing = missing or error
        assert missing is not None  # noqa: S101 - the model itself was looked for
        raise missing

    def _inputs_of(self, dataset: Dataset, model: Model, scale: Scale) -> Inputs:
        """What a data set and a model are at a scale; looked up once."""
        key = (dataset.name, model.name, scale)
        if key not in self._inputs:
            self._inputs[key] = self._look_up(dataset, model, scale)
        return self._inputs[key]

    def _look_up(self, dataset: Dataset, model: Model, scale: Scale) -> Inputs:
        """Look up a data set with its metrics and a model, and refuse what is unsafe."""
        if scale == "full":
            for folder in self.folders:
                if not folder.is_dir():
                    raise SourceError(
                        f"{folder} is no folder", fix="correct --harness-sources, or leave it out"
                    )
        folder = self._folder_of(Lookup.of_dataset(dataset), scale)
        files = {
            "train": split_files(folder, "train"),
            "evaluation": split_files(folder, dataset.evaluated),
        }
        if scale == "full":  # the embedded tables are ours, and pyarrow takes a while to import
            from harness.core.tables import Schema, check_footers

            for split in files.values():
                check_footers(split, Schema(texts=dataset.texts, label_names=dataset.label_names))
        checkpoint = self._folder_of(Lookup.of_model(model, scale), scale)
        refuse_unsafe(checkpoint)
        return Inputs(
            files=files,
            model=checkpoint,
            metrics={
                name: self._folder_of(Lookup.of_metric(name), scale) for name in dataset.metrics
            },
            ceiling=ceiling(folder, dataset.evaluated),
            origins={"dataset": str(folder), "model": str(checkpoint)},
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

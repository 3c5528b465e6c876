"""The inputs of a cell: what it trains on, as local paths, and the digests of their bytes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from harness.core import digest
from harness.core.dataset import is_reference
from harness.core.schema import Schema
from harness.judge.runs.imported_files import files_of
from harness.judge.store import sealed


@dataclass(frozen=True, kw_only=True, slots=True)
class Tables:
    """A data set, ready to be trained on.

    Attributes:
        files: parquet files by split, `train` and `evaluation`, and `holdout` where it has one.
        schema: of them.
        metrics: folders of metric modules by name.
        compared_metrics: names of the metrics that nights and the gate compare.
        f1_average: of a plain `f1` metric.
        ceiling: best possible metrics of the evaluated split, where they are known.
        origin: where the rows come from, as text.
        key: digest of what decides the rows, in whatever environment they are read.
        own: whether they are a user's.
        notes: what a user should know of how the tables came about, a sentence each.
        rows: digests of each split's rows, where they are a user's: files that hold the same rows
            differ from one version of parquet's library to the next.
    """

    files: Mapping[str, tuple[Path, ...]]
    schema: Schema
    metrics: Mapping[str, Path]
    compared_metrics: tuple[str, ...]
    f1_average: str
    ceiling: Mapping[str, float]
    origin: str
    key: str = ""
    own: bool = False
    notes: tuple[str, ...] = ()
    rows: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> str:
        """Digest of the rows, split by split."""
        files = {
            split: [digest.of_large(file) for file in files] for split, files in self.files.items()
        }
        return digest.of_json(self.rows or files)


def _code(metric: str, folder: Path) -> list[Path]:
    """The files that compute a metric: a module's, or those that a user's function imports."""
    if is_reference(metric):
        return files_of(metric, folder)
    return sorted(folder.glob("*.py"))


def _files(folder: Path) -> dict[str, str]:
    """Digests of a folder's files by name."""
    return {
        path.name: digest.of_large(path)
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != sealed.MANIFEST  # which says when it was made
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """What a cell trains on.

    Attributes:
        tables: its data set.
        model: folder of the checkpoint.
        tokenizer: folder of its tokenizer, where that lies elsewhere.
        code: digest of the user's modules that tokenize; empty if none do.
        notes: what a user should know of how these came about, a sentence each.
    """

    tables: Tables
    model: Path
    tokenizer: Path | None = None
    code: str = ""
    notes: tuple[str, ...] = ()

    @property
    def origins(self) -> dict[str, str]:
        """Where data and model come from, as text."""
        return {"dataset": self.tables.origin, "model": str(self.model)}

    def digests(self) -> dict[str, str]:
        """Digests of the data, and of the bytes of model and metrics, names left out."""
        tables = self.tables
        folders = filter(None, (self.model, self.tokenizer))
        metrics = {
            name: [digest.of_large(file) for file in _code(name, folder)]
            for name, folder in tables.metrics.items()
        }
        return {
            "data": tables.content,
            "schema": digest.of_json(asdict(tables.schema)),
            "model": digest.of_json([_files(folder) for folder in folders]),
            "metrics": digest.of_json(metrics),
            **({"code": self.code} if self.code else {}),
        }

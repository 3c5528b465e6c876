"""Loading: what a worker is asked to read of a user's rows, and when it need not be asked again."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from harness.core import digest
from harness.core.dataset import Dataset
from harness.core.job import LoadJob
from harness.judge.runs import rows
from harness.judge.store.input_store import InputStore


@dataclass(frozen=True, kw_only=True, slots=True)
class Loading:
    """One reading of a user's rows.

    Attributes:
        job: for the worker, less its folders.
        key: digest of the declaration and of the bytes that are read.
        origin: where the rows come from, as text.
        lasting: whether the key, and the user's modules, are all that decides the rows.
    """

    job: LoadJob
    key: str
    origin: str
    lasting: bool

    @classmethod
    def of(cls, dataset: Dataset, root: Path, *, limits: Mapping[str, int], hub: bool) -> Self:
        """The reading of a declared data set.

        Args:
            dataset: as declared.
            root: of the repository that its paths count from.
            limits: rows that are kept of each split; all where it names none.
            hub: whether the Hub may be asked.

        Raises:
            SourceError: its files are not there.
        """
        located = rows.locate(dataset, root, hub=hub)
        job = LoadJob(
            dataset=dataset, files=located.files, root=str(root.absolute()), limits=limits
        )
        names = {
            split: [Path(os.path.relpath(file, root)).as_posix() for file in files]
            for split, files in located.files.items()
        }
        decisive = {**asdict(job), "files": names, "root": ""}  # wherever the repository lies
        key = digest.of_json({"job": decisive, "bytes": located.digests()})
        return cls(job=job, key=key, origin=located.origin, lasting=located.lasting)

    def known(self, store: InputStore, path: str) -> Path | None:
        """The tables that an earlier reading left in a store, if they still hold."""
        if not self.lasting:
            return None
        kept = (folder for folder in store.variants(path) if self._holds(folder))
        return next(kept, None)

    def key_of(self, folder: Path) -> str:
        """Digest of what decided the tables in a folder, in whatever environment they were read."""
        if self.lasting:
            return digest.of_json([self.key, _sources(folder)])
        tables = sorted(folder.glob("*.parquet"))
        return digest.of_json({path.name: digest.of_large(path) for path in tables})

    def _holds(self, folder: Path) -> bool:
        """Whether the user's modules that made tables are still what they were."""
        root = Path(self.job.root)
        return all(
            (root / name).is_file() and digest.of_large(root / name) == known
            for name, known in _sources(folder).items()
        )


def _sources(folder: Path) -> Mapping[str, str]:
    """Digests of the user's modules that made the tables in a folder, by their paths."""
    card: Mapping[str, Any] = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    sources: Mapping[str, str] = card["sources"]
    return sources

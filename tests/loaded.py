"""A user's data set read in this process: where its rows lie, and the tables that come of them."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from harness.core.dataset import Dataset
from harness.core.schema import Schema
from harness.judge.runs.loading import Loading
from harness.worker.load import load


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """What a data set has become.

    Attributes:
        schema: of its tables.
        splits: their columns by name, by split.
        notes: what was decided.
    """

    schema: Schema
    splits: Mapping[str, Mapping[str, list[Any]]]
    notes: tuple[str, ...]


def loaded(dataset: Dataset, root: Path, **limits: int) -> Loaded:
    """The tables of a data set whose paths count from a folder, so many rows of a split at most."""
    loading = Loading.of(dataset, root, limits=limits, hub=False)
    work = root / ".work" / uuid.uuid4().hex
    output, scratch = work / "output", work / "scratch"
    output.mkdir(parents=True)
    scratch.mkdir()
    load(replace(loading.job, output=str(output), scratch=str(scratch)))
    card = json.loads((output / "card.json").read_text(encoding="utf-8"))
    return Loaded(
        schema=Schema(
            texts=tuple(card["texts"]), label_names=tuple(card["label_names"]), task=card["task"]
        ),
        splits={
            name: pq.read_table(output / f"{name}.parquet").to_pydict() for name in card["splits"]
        },
        notes=tuple(card["notes"]),
    )

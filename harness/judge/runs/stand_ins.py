"""Stand-ins that are made: which cells need one, and what a worker makes it of.

At the tiny scale a model of the catalog has an embedded stand-in, which knows the words of the
embedded data. Any other model, and any model on a user's rows, is shrunk; a checkpoint that is
small already is used as it is.
"""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.core import digest, weights
from harness.core.dataset import Dataset, Task
from harness.core.job import LoadJob, ShrinkJob
from harness.judge.catalog import ModelSource
from harness.judge.runs.inputs import Tables
from harness.judge.runs.lookup import DESCRIBING_FILES
from harness.judge.runs.originals import Original

SMALL = 8_000_000
"""Numbers of a checkpoint that is used as it is."""

CARD = "stand_in.json"
"""Says what a stand-in was made of, and how."""


def is_embedded(model: ModelSource, tables: Tables) -> bool:
    """Whether the stand-in that a model has knows the words of some rows."""
    return bool(model.stand_in) and not tables.own


def is_small(folder: Path) -> bool:
    """Whether a checkpoint can be trained at the tiny scale."""
    files = weights.files(folder)
    return bool(files) and sum(map(math.prod, weights.shapes(folder).values())) <= SMALL


def job(model: ModelSource, original: Original, rows: LoadJob | None, task: Task) -> ShrinkJob:
    """What a worker makes a stand-in of.

    Args:
        model: of the recipe.
        original: its folders, as far as it has any.
        rows: whose words its tokenizer is to know; None if its own must do.
        task: whose head is tried.
    """
    own = model.own
    declared = {} if own is None else own.config or {}
    return ShrinkJob(
        name=model.name,
        config={} if original.folder else declared or model.architecture,
        original=str(original.folder or ""),
        tokenizer=str(original.tokenizer or ""),
        tokenizer_options={} if own else {"do_lower_case": not model.cased},
        rows=rows,
        task=task,
    )


def rows_of(tables: Tables) -> LoadJob:
    """The rows of some tables, as a worker reads them."""
    splits = {split: tuple(map(str, paths)) for split, paths in tables.files.items()}
    return LoadJob(
        dataset=Dataset(path="parquet", data_files=splits, texts=tables.schema.texts),
        files=splits,
        root="",
        limits={},
    )


def key(shrinking: ShrinkJob, rows: str) -> str:
    """Digest of all that decides a stand-in, whatever its folders are called.

    The environment is no part of it: both sides of a comparison start from the same weights.

    Args:
        shrinking: the job.
        rows: digest of what decides the rows.
    """
    folders = (shrinking.original, shrinking.tokenizer)
    described: list[dict[str, Any]] = [_describing(Path(name)) if name else {} for name in folders]
    task: Task = shrinking.task
    decisive = {
        "config": dict(shrinking.config),
        "options": asdict(shrinking)["tokenizer_options"],
        "task": task,
        "folders": described,
        "rows": rows,
    }
    return digest.of_json(decisive)


def _describing(folder: Path) -> dict[str, str]:
    """Digests of the files of a configuration and a tokenizer."""
    files = sorted({path for pattern in DESCRIBING_FILES for path in folder.glob(pattern)})
    return {path.name: digest.of_large(path) for path in files}


def differences(folder: Path) -> str:
    """What a stand-in that was made differs in from its original, in a sentence."""
    card: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
    cut = [f"{name} {was} -> {now}" for name, (was, now) in card["cut"].items()]
    parts = [*card["notes"], *([", ".join(cut)] if cut else [])]
    return f"{card['of']} (a stand-in made of it): {'; '.join(parts)}"

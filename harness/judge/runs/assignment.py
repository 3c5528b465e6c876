"""The assignment: from a cell and its inputs to a worker's job, and to its place in the store.

What a record says of a run beside what its worker observed comes from here too.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.core import digest, record, trial, variations
from harness.core.job import Job, Kind
from harness.judge import reported_metrics
from harness.judge.cell import Cell
from harness.judge.runs import task_fit
from harness.judge.runs.inputs import Inputs
from harness.judge.runs.lookup import DESCRIBING_FILES
from harness.judge.store.local import Key

_NO_ARCHITECTURE = {"architectures", "dtype", "transformers_version"}
"""What a checkpoint's configuration says about the checkpoint."""


def assign(kind: Kind, cell: Cell, inputs: Inputs, scratch: Path, *, threads: int) -> Job:
    """What a worker needs; one that writes also needs to know where to.

    Raises:
        SpecError: the recipe asks what its task cannot do.
    """
    task_fit.check(cell, inputs.tables)
    return Job(
        kind=kind,
        recipe=cell.recipe,
        collation=cell.collation.of_task(inputs.tables.schema.task),
        loop=cell.loop,
        device=cell.device,
        threads=threads,
        data_files={split: tuple(map(str, files)) for split, files in inputs.tables.files.items()},
        schema=inputs.tables.schema,
        model=str(inputs.model),
        tokenizer_folder=str(inputs.tokenizer or inputs.model),
        architecture=architecture(cell, inputs) if kind == "pace" else {},
        metrics={name: str(folder) for name, folder in inputs.tables.metrics.items()},
        f1_average=inputs.tables.f1_average,
        output="",
        scratch=str(scratch),
        variations=variations.names(cell.loop, cell.scale, inputs.tables.schema.task)
        if kind == "try"
        else (),
        root=str(cell.root.absolute()),
    )


def complete(
    kind: Kind, folder: Path, cell: Cell, inputs: Inputs, environment: Mapping[str, Any]
) -> None:
    """Add to what a worker left in a folder what it was only handed, and where that came from."""
    if kind == "try":
        trial.complete(folder, cell.recipe, cell.device, inputs.tables.schema.task)
        return
    record.complete(
        folder,
        {
            "recipe": cell.recipe,
            "scale": cell.scale,
            "device": cell.device,
            "inputs": {"digests": inputs.digests(), "origins": inputs.origins},
            "environment": environment,
            "task": inputs.tables.schema.task,
            "made": cell.is_made,
            "label_names": inputs.tables.schema.label_names,
            "ceiling": inputs.tables.ceiling,
            "collation": cell.collation.of_task(inputs.tables.schema.task),
            "metric_names": reported_metrics.metric_names(inputs.tables.metrics),
            "compared_metrics": inputs.tables.compared_metrics,
            "f1_average": inputs.tables.f1_average,
        },
    )


def key(kind: Kind, cell: Cell, inputs: Inputs, environment: str, attempt: str) -> Key:
    """Where the store keeps what comes of it."""
    decisive = {
        "kind": kind,
        "recipe": cell.recipe.key,
        "scale": cell.scale,
        "inputs": inputs.digests(),
    }
    return Key(
        label=f"{cell.dataset.folder}-{cell.name}".replace("/", "_").replace(":", "_"),
        recipe=digest.of_json(decisive),
        environment=environment,
        attempt=attempt,
    )


def architecture(cell: Cell, inputs: Inputs) -> Mapping[str, Any]:
    """The configuration of the cell's model: the stand-in's, or the original's."""
    if cell.scale == "full" and cell.model.own is None:
        return cell.model.architecture
    config: dict[str, Any] = json.loads((inputs.model / "config.json").read_text(encoding="utf-8"))
    return {name: config[name] for name in config if name not in _NO_ARCHITECTURE}


def tokenizer_digest(inputs: Inputs) -> str:
    """Digest of a model's small files, those that decide what a tokenizer and its collator do."""
    folder = inputs.tokenizer or inputs.model
    small = sorted(path for pattern in DESCRIBING_FILES for path in folder.glob(pattern))
    return digest.of_json({path.name: digest.of_large(path) for path in small})


def attempt(night: str, session: str) -> str:
    """Which of several records of the same run is meant: a night's, a session's, or any."""
    return "-".join(part for part in (night, session) if part) or "0"

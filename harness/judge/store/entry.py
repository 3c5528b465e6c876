"""An entry of the history: a run in a row of figures, read without its arrays."""

import contextlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from harness.core import environment
from harness.core.recipe import Recipe
from harness.core.record import series_of

EARLY = 5
"""The step whose training loss is kept: late enough to show the optimizer, too early for chaos."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One run.

    Attributes:
        path: of its record, below `records/`.
        cell: suite and cell that it was of; the record's own name where no session tells.
        night: ISO date.
        moment: when it was stored, ISO 8601, UTC.
        series: see `Record.series`.
        dataset: of the recipe.
        model: of the recipe.
        collation: of the recipe.
        loop: of the recipe.
        scale: `tiny` or `full`.
        device: class of the device.
        environment: first digits of its key.
        seed: of the recipe.
        attempt: its name among records of the same run.
        predictions: digest of the final predictions.
        examples: that were evaluated.
        accuracy: of the final evaluation, 0 to 1; None if it has none, as below.
        f1: likewise.
        loss: likewise.
        early_loss: training loss of step `EARLY`, or of the last one before it.
        samples_per_second: training examples a second.
        memory: peak bytes, of the accelerator if there is one.
        padding: share of the training batches' tokens.
        seconds: wall time of the run.
    """

    path: str
    cell: str
    night: str
    moment: str
    series: str
    dataset: str
    model: str
    collation: str
    loop: str
    scale: str
    device: str
    environment: str
    seed: int
    attempt: str
    predictions: str
    examples: int
    accuracy: float | None
    f1: float | None
    loss: float | None
    early_loss: float | None
    samples_per_second: float | None
    memory: float | None
    padding: float | None
    seconds: float


def read(folder: Path, path: str) -> tuple[Entry, dict[str, Any]]:
    """The entry of a record, and the summary of its environment."""
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    lines = (folder / "steps.jsonl").read_text(encoding="utf-8").splitlines()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    steps = [json.loads(line) for line in lines]
    label, key, attempt = path.split("/")
    recipe = Recipe(**record["recipe"])
    final = next(part for part in record["evaluations"] if part["name"] == "final")
    made = (folder / "record.json").stat().st_mtime
    moment = manifest.get("when") or datetime.fromtimestamp(made, UTC).isoformat(timespec="seconds")
    memory, padded = record["peak_memory"], sum(step["padded_tokens"] for step in steps)
    entry = Entry(
        path=path,
        cell=label.rpartition("-")[0],
        night=night_in_name(attempt) or moment[:10],
        moment=moment,
        series=series_of(recipe, record["scale"], record["device"], record["inputs"]),
        dataset=recipe.dataset,
        model=recipe.model,
        collation=recipe.collation,
        loop=recipe.loop,
        scale=record["scale"],
        device=environment.device_class(record["environment"], record["device"]),
        environment=key,
        seed=recipe.seed,
        attempt=attempt,
        predictions=manifest["files"]["arrays/final.predictions.npy"],
        examples=record["sizes"]["evaluation"],
        accuracy=final["metrics"].get("accuracy"),
        f1=final["metrics"].get("f1"),
        loss=final["metrics"].get("loss"),
        early_loss=steps[:EARLY][-1]["loss"] if steps else None,
        samples_per_second=(
            sum(step["examples"] for step in steps)
            / max(sum(step["seconds"] for step in steps), 1e-9)
        ),
        memory=memory.get("device") or memory.get("host"),
        padding=1 - sum(step["real_tokens"] for step in steps) / max(padded, 1),
        seconds=sum(record["phases"].values()),
    )
    return entry, environment.summary(record["environment"])


def night_in_name(attempt: str) -> str:
    """The date that an attempt is named after; empty if it is not."""
    with contextlib.suppress(ValueError):
        return date.fromisoformat(attempt[:10]).isoformat() if attempt[4:5] == "-" else ""
    return ""

"""An entry of the history: a run in a row of figures, read without its arrays."""

import contextlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.core import environment
from harness.core.recipe import Recipe
from harness.core.record import EARLIER_COMPARED, series_of
from harness.judge.metric_kinds import reported

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
        metrics: of the final evaluation, the loss among them; those that are finite.
        compared: names of the metrics that nights compare.
        early_loss: training loss of step `EARLY`, or of the last one before it; None if there is
            none, as below.
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
    metrics: Mapping[str, float]
    compared: tuple[str, ...]
    early_loss: float | None
    samples_per_second: float | None
    memory: float | None
    padding: float | None
    seconds: float

    def value(self, figure: str) -> float | None:
        """A metric, or another figure by the name of its field; None if the run has none."""
        value: float | None = self.metrics.get(figure, getattr(self, figure, None))
        return value

    def to_row(self) -> tuple[str | float | None, ...]:
        """Its fields as the index holds them, in order."""
        values = [getattr(self, item.name) for item in fields(self)]
        return tuple(json.dumps(v) if isinstance(v, dict | tuple) else v for v in values)

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Self:
        """The entry that a row of the index holds."""
        columns = dict(zip((item.name for item in fields(cls)), row, strict=True))
        metrics, compared = (json.loads(columns.pop(name)) for name in ("metrics", "compared"))
        return cls(**columns, metrics=metrics, compared=tuple(compared))

    def columns(self) -> dict[str, Any]:
        """Its fields, each metric one of them."""
        columns: dict[str, Any] = {}
        for item in fields(self):
            if item.name == "metrics":
                columns |= dict(sorted(self.metrics.items()))
            elif item.name != "compared":
                columns[item.name] = getattr(self, item.name)
        return columns


def final_metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics of an evaluation and its loss, without its time; those that are finite."""
    names = [*reported(metrics), "loss"]
    return {n: metrics[n] for n in names if n in metrics and math.isfinite(metrics[n])}


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
        dataset=str(recipe.dataset),
        model=str(recipe.model),
        collation=recipe.collation,
        loop=recipe.loop,
        scale=record["scale"],
        device=environment.device_class(record["environment"], record["device"]),
        environment=key,
        seed=recipe.seed,
        attempt=attempt,
        predictions=manifest["files"]["arrays/final.predictions.npy"],
        examples=record["sizes"]["evaluation"],
        metrics=final_metrics(final["metrics"]),
        compared=tuple(record.get("compared_metrics", EARLIER_COMPARED)),
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


def satisfies(summary: Mapping[str, Any], package: str) -> bool:
    """Whether an environment satisfies a requirement."""
    wanted = Requirement(package)
    version = summary["packages"].get(canonicalize_name(wanted.name))
    return version is not None and wanted.specifier.contains(version, prereleases=True)


def night_in_name(attempt: str) -> str:
    """The date that an attempt is named after; empty if it is not."""
    with contextlib.suppress(ValueError):
        return date.fromisoformat(attempt[:10]).isoformat() if attempt[4:5] == "-" else ""
    return ""

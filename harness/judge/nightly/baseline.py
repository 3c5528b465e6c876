"""Baselines: what was accepted, under which environment, when, by which command, and why.

A small JSON file beside the suites, to be committed. A cell has one entry for each class of
devices, for figures of another kind of machine are no reference; and in it two references: the
last accepted one, and the anchor, which stays, so that many small losses cannot add up unseen.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.core.errors import MisfitError, SpecError, StoreError
from harness.judge import outlet
from harness.judge.document import Document

NAME = "baselines.json"
VERSION = 1

FEWEST = 2
"""Runs that tell how far runs spread."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One accepted run.

    Attributes:
        seed: of the recipe.
        record: its place in the store, where the answers to each example are.
        predictions: digest of these answers.
        metrics: of the final evaluation.
        samples_per_second: training examples a second.
    """

    seed: int
    record: str
    predictions: str
    metrics: Mapping[str, float]
    samples_per_second: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """What a cell gave when it was accepted.

    Attributes:
        series: digest of the recipe and its inputs; see `Record.series`.
        recipe: fields that are not the default ones, but for the seed.
        runs: that of the recipe's own seed first.
        losses: of the first steps of the first run.
        norms: likewise, of the gradient.
        environment: versions of the packages judged, and Python's.
        night: that measured it, an ISO date.
        when: ISO 8601, UTC.
        command: that accepted it.
        because: why.
    """

    series: str
    recipe: Mapping[str, Any]
    runs: tuple[Run, ...]
    losses: tuple[float, ...]
    norms: tuple[float, ...]
    environment: Mapping[str, str]
    night: str
    when: str
    command: str
    because: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """A cell's two references on one class of devices."""

    rolling: Accepted
    anchor: Accepted


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    """References as the file has them: an anchor that is the last accepted one is left out."""

    rolling: Accepted
    anchor: Accepted | None = None

    @property
    def reference(self) -> Reference:
        """The references.

        Raises:
            MisfitError: they have nothing to compare with.
        """
        anchor = self.anchor or self.rolling
        for name, accepted in (("rolling", self.rolling), ("anchor", anchor)):
            if len(accepted.runs) < FEWEST:
                raise MisfitError(
                    f"has {len(accepted.runs)} runs, and {FEWEST} tell how far they spread",
                    place=(name, "runs"),
                )
            names = dict.fromkeys(metric for run in accepted.runs for metric in run.metrics)
            for i, run in enumerate(accepted.runs):
                missing = [metric for metric in names if metric not in run.metrics]
                if missing or not names:
                    lacks = ", ".join(missing) or "metric"
                    raise MisfitError(f"has no {lacks}", place=(name, "runs", i, "metrics"))
        return Reference(rolling=self.rolling, anchor=anchor)


@dataclass(frozen=True, kw_only=True, slots=True)
class _File:
    """What the file holds."""

    version: int
    cells: Mapping[str, Mapping[str, _Kept]]


@dataclass(slots=True, kw_only=True)
class Baselines:
    """The file.

    Attributes:
        path: where it lies.
        cells: references by suite and cell, then by class of devices.
    """

    path: Path
    cells: dict[str, dict[str, Reference]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "Baselines":
        """What a file holds; nothing if there is none.

        Raises:
            SpecError: it makes no sense, or is of a newer version.
        """
        document = Document.read(path)
        if not document.text:
            return cls(path=path)
        version = document.at(("version",))
        if isinstance(version, int) and version > VERSION:
            raise SpecError(
                f"the baselines {path} are of version {version}",
                why=f"this harness knows version {VERSION}",
                fix="upgrade finetune-harness",
            )
        file: _File = document.decode(_File)
        baselines = cls(path=path)
        for cell, devices in file.cells.items():
            for device, kept in devices.items():
                try:
                    reference = kept.reference
                except MisfitError as error:
                    raise document.wrong(error.within("cells", cell, device)) from None
                baselines.cells.setdefault(cell, {})[device] = reference
        return baselines

    def of(self, cell: str, device: str) -> Reference | None:
        """A cell's references on a class of devices."""
        return self.cells.get(cell, {}).get(device)

    def accept(self, cell: str, device: str, accepted: Accepted, *, anchor: bool = False) -> None:
        """Take what a cell gave as its last accepted reference.

        It becomes the anchor, too, if `anchor` says so, or if there is none of the same recipe.

        Raises:
            SpecError: nothing says why, or there are too few runs to tell how far they spread.
        """
        if not accepted.because.strip():
            raise SpecError(f"nothing says why {cell} is accepted", fix='add --because "…"')
        if len(accepted.runs) < FEWEST:
            raise SpecError(
                f"one run of {cell} does not tell how far runs spread",
                fix="pytest -m nightly trains several seeds",
            )
        known = self.of(cell, device)
        stays = known is not None and not anchor and known.anchor.series == accepted.series
        kept = known.anchor if known is not None and stays else accepted
        self.cells.setdefault(cell, {})[device] = Reference(rolling=accepted, anchor=kept)

    def save(self) -> None:
        """Write the file; beside and renamed, so that nobody reads half of it.

        Raises:
            StoreError: it cannot be written.
        """
        cells = {
            name: {device: _plain(one) for device, one in sorted(devices.items())}
            for name, devices in sorted(self.cells.items())
        }
        try:
            text = json.dumps({"version": VERSION, "cells": cells}, indent=1)
            outlet.write(self.path, text + "\n")
        except OSError as error:
            raise StoreError(
                f"the baselines {self.path} cannot be written",
                why=error.strerror or str(error),
                fix="free or unlock the disk",
            ) from None

    def __iter__(self) -> Iterator[tuple[str, str, Reference]]:
        """Every cell, class of devices and reference."""
        for name, devices in self.cells.items():
            for device, reference in devices.items():
                yield name, device, reference


def _plain(reference: Reference) -> dict[str, Any]:
    """References as JSON; an anchor that is the last accepted one is left out."""
    both = asdict(reference)
    return both if both["anchor"] != both["rolling"] else {"rolling": both["rolling"]}

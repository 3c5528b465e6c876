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

from harness import outlet, serial
from harness.errors import SpecError, StoreError

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
        if not path.is_file():
            return cls(path=path)
        try:
            told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if told["version"] > VERSION:
                raise SpecError(
                    f"the baselines {path} are of version {told['version']}",
                    why=f"this harness knows version {VERSION}",
                    fix="upgrade finetune-harness",
                )
            cells = {
                name: {device: _reference(one) for device, one in devices.items()}
                for name, devices in told["cells"].items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SpecError(
                f"the baselines {path} cannot be read",
                why=f"{type(error).__name__}: {error}",
                fix="restore the file from version control, or accept the cells again",
            ) from None
        return cls(path=path, cells=cells)

    def of(self, cell: str, device: str) -> Reference | None:
        """A cell's references on a class of devices."""
        return self.cells.get(cell, {}).get(device)

    def accept(self, cell: str, device: str, accepted: Accepted, *, anchor: bool = False) -> None:
        """Take what a cell gave as its last accepted reference.

        It becomes the anchor, too, if that is asked for, or if there is none of the same recipe.

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
    told = asdict(reference)
    return told if told["anchor"] != told["rolling"] else {"rolling": told["rolling"]}


def _reference(told: Mapping[str, Any]) -> Reference:
    """What `_plain` made JSON of."""
    found: Reference = serial.decode(Reference, {"anchor": told["rolling"], **told})
    return found

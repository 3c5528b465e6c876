"""Trends: what a cell has given night by night, where it moved, and what was different then."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness.judge.finding import Status


@dataclass(frozen=True, kw_only=True, slots=True)
class TrendBand:
    """A regime, to be drawn.

    Attributes:
        start: index of its first night.
        stop: index after its last.
        mean: of its nights.
        low: two standard deviations of a night below.
        high: and above.
    """

    start: int
    stop: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """A step of a figure.

    Attributes:
        at: index of the first night after it.
        detection: index of the night that showed it.
        before: mean up to there.
        after: mean from there to what showed it.
        better: whether the figure moved to where it should.
        changes: what differs between the environments on its two sides, a line each.
        command: that finds out which of these did it; empty if none can have.
    """

    at: int
    detection: int
    before: float
    after: float
    better: bool
    changes: tuple[str, ...]
    command: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One figure of a cell.

    Attributes:
        figure: its name.
        nights: ISO dates, in order, those that measured it.
        values: of each, the mean of its runs.
        bands: regimes.
        moves: steps.
        drifted: the night that showed that it has left its anchor bit by bit for the worse; empty
            if none did.
        suspicion: share of the evidence that a step takes, 0 to 1.
    """

    figure: str
    nights: tuple[str, ...]
    values: tuple[float, ...]
    bands: tuple[TrendBand, ...]
    moves: tuple[Move, ...]
    drifted: str
    suspicion: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Something that happened to a cell on a night.

    Attributes:
        night: ISO date.
        kind: another `environment`, a result that was `accepted`, or a known `change`.
        description: of it.
    """

    night: str
    kind: Literal["environment", "accepted", "change"]
    description: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Trend:
    """A cell on one class of devices.

    Attributes:
        cell: suite and cell, `TestMrpc/bert-base-uncased-dynamic-trainer`.
        device: class of the device.
        lines: its figures.
        marks: what happened, in order.
        standings: beside the baseline, of a night, by its date; of nights without one, nothing.
    """

    cell: str
    device: str
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]
    standings: Mapping[str, Status]

"""From entries of the history to trends: rounds of runs become observations, and are watched."""

import math
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from harness.core.environment import DESCRIBED
from harness.judge.finding import Status
from harness.judge.nightly import cusum
from harness.judge.nightly.annotations import Annotation
from harness.judge.nightly.baseline import Accepted, Reference
from harness.judge.nightly.drift import MONTH, drifted
from harness.judge.nightly.observation import Observation
from harness.judge.nightly.signals import SPEED, figure_names, figure_of, observations, rounds_of
from harness.judge.nightly.trend import Line, Mark, Move, Trend, TrendBand
from harness.judge.store.entry import Entry
from harness.judge.store.index import History


def limit(cells: Iterable[Sequence[str]]) -> float:
    """Evidence that makes a step, so that a year of all figures of all cells brings one in vain.

    Args:
        cells: of each, names of the metrics that nights compare.
    """
    figures = sum(len(figure_names(compared)) for compared in cells)
    return cusum.limit(365 * max(1, figures))


@dataclass(frozen=True, kw_only=True, slots=True)
class Trends:
    """What all trends of a store share.

    Attributes:
        environments: see `History.environments`.
        annotations: known changes, of any cell.
        most: see `limit`.
        options: of `harness gate`, to ask it about what the history holds.
    """

    environments: Mapping[str, Mapping[str, Any]]
    annotations: Sequence[Annotation]
    most: float
    options: Sequence[str] = ()

    def of(
        self,
        cell: str,
        entries: Sequence[Entry],
        reference: Reference | None = None,
        standings: Mapping[str, Status] | None = None,
    ) -> Trend:
        """What a cell's runs on one class of devices come to.

        Args:
            cell: suite and cell.
            entries: the earliest first, at least one.
            reference: what was accepted of it.
            standings: beside the baseline, by night.
        """
        marks = [*self._marks(cell, entries, reference)]
        breaks = {mark.night for mark in marks if mark.kind != "environment"}
        anchor = None if reference is None else reference.anchor
        return Trend(
            cell=cell,
            device=entries[0].device,
            lines=tuple(
                self._line(name, rounds, breaks, anchor)
                for name in figure_names(entries[-1].compared)
                if (rounds := [*rounds_of(name, entries)])
            ),
            marks=tuple(sorted(marks, key=lambda mark: (mark.night, mark.kind))),
            standings=standings or {},
        )

    def _line(
        self, name: str, rounds: Sequence[list[Entry]], breaks: set[str], anchor: Accepted | None
    ) -> Line:
        """One figure."""
        figure = figure_of(name)
        seen = [*observations(name, rounds)]
        values: dict[str, list[float]] = {}
        for observation in seen:
            values.setdefault(observation.night, []).append(observation.value)
        place = {night: index for index, night in enumerate(values)}
        at = [place[observation.night] for observation in seen]
        watched = cusum.watch(seen, most=self.most, breaks=breaks, floor=figure.floor)
        left = None if anchor is None else self._drifted(name, seen, anchor)
        return Line(
            figure=name,
            nights=tuple(values),
            values=tuple(figure.shown(sum(v) / len(v)) for v in values.values()),
            bands=tuple(
                TrendBand(
                    start=at[span.start],
                    stop=at[span.stop - 1] + 1,
                    mean=figure.shown(span.mean),
                    low=figure.shown(span.mean - 2 * span.spread),
                    high=figure.shown(span.mean + 2 * span.spread),
                )
                for span in watched.spans
            ),
            moves=tuple(
                Move(
                    at=at[step.at],
                    detection=at[step.detection],
                    before=figure.shown(step.before),
                    after=figure.shown(step.after),
                    better=(step.after > step.before) == figure.higher,
                    changes=self._changes(rounds[step.at - 1][-1], rounds[step.at][0]),
                    command=self._command(rounds[step.at - 1][-1], rounds[step.at][0]),
                )
                for step in watched.steps
            ),
            drifted=left or "",
            suspicion=watched.suspicion,
        )

    def _drifted(self, name: str, seen: Sequence[Observation], anchor: Accepted) -> str | None:
        """The night that showed that a figure has left its anchor for the worse.

        The anchor is what was accepted and the month after it: a few runs alone are worth too
        little to hold a year of nights against.
        """
        figure = figure_of(name)
        runs = [{**run.metrics, SPEED: run.samples_per_second} for run in anchor.runs]
        values = [figure.seen(run[name]) for run in runs if name in run]
        if not values:
            return None
        after = [one for one in seen if one.night >= anchor.night and not one.repeats]
        month, later = after[:MONTH], after[MONTH:]
        anchored = [sum(values) / len(values), *(one.value for one in month)]
        spread = max([figure.floor, *(one.error for one in month)])
        mean = sum(anchored) / len(anchored)
        index = drifted(
            later,
            mean=mean,
            error=spread / math.sqrt(len(anchored)),
            most=self.most,
            floor=figure.floor,
        )
        if index is None or (later[index].value > mean) == figure.higher:
            return None
        return later[index].night

    def _marks(
        self, cell: str, entries: Sequence[Entry], reference: Reference | None
    ) -> Iterator[Mark]:
        """What happened to a cell."""
        for before, after in pairwise(entries):
            if before.series != after.series:
                changed = "another recipe, or other data"
                yield Mark(night=after.night, kind="change", description=changed)
            changes = self._changes(before, after)
            if changes:
                yield Mark(night=after.night, kind="environment", description=", ".join(changes))
        for known in self.annotations:
            if known.concerns(cell):
                yield Mark(night=known.night, kind="change", description=known.because)
        if reference is not None:
            both = (reference.anchor, reference.rolling)
            for night, why in {one.night: one.because for one in both}.items():
                yield Mark(night=night, kind="accepted", description=why)

    def _changes(self, before: Entry, after: Entry) -> tuple[str, ...]:
        """What differs between the environments of two runs."""
        if before.environment == after.environment:
            return ()
        left, right = self._environments(before, after)
        changes = [
            f"{name} {ours or 'none'} → {theirs or 'none'}"
            for name, ours, theirs in _packages(left, right)
        ]
        changes += [
            f"{part} {left[part]} → {right[part]}"
            for part in DESCRIBED
            if part != "packages" and {part} <= left.keys() & right.keys()
            if left[part] != right[part]
        ]
        return tuple(changes) or ("files of a package, its version is the same",)

    def _command(self, before: Entry, after: Entry) -> str:
        """The command that tells which package did it; empty if none can have."""
        moved = [one for one in _packages(*self._environments(before, after)) if all(one)]
        if not moved:
            return ""
        candidates = [f"{name}=={theirs}" for name, _, theirs in moved]
        based = [part for name, ours, _ in moved for part in ("--base", f"{name}=={ours}")]
        scale = [] if after.scale == "tiny" else [f"--harness-scale={after.scale}"]
        arguments = [*candidates, *based, "--attribute", *scale, *self.options]
        return shlex.join(["harness", "gate", *arguments])

    def _environments(
        self, before: Entry, after: Entry
    ) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Descriptions of both."""
        known = self.environments
        return known.get(before.environment, {}), known.get(after.environment, {})


def _packages(left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Packages whose versions differ, each with both; an empty one where it is not installed."""
    ours, theirs = left.get("packages", {}), right.get("packages", {})
    for name in sorted({*ours, *theirs}):
        if ours.get(name) != theirs.get(name):
            yield name, ours.get(name, ""), theirs.get(name, "")


def gathered(
    history: History,
    references: Iterable[tuple[str, str, Reference]],
    known: Sequence[Annotation],
    options: Sequence[str] = (),
) -> tuple[list[Trend], list[str]]:
    """The trends of every cell that sessions had, and the nights of the history.

    Args:
        history: of a store.
        references: cell, class of devices, and what was accepted.
        known: changes.
        options: see `Trends`.
    """
    accepted = {(cell, device): reference for cell, device, reference in references}
    standings: dict[tuple[str, str], dict[str, Status]] = {}
    nights: dict[str, None] = {}
    for session in history.sessions():
        for cell in session.nights:
            standings.setdefault((cell.name, cell.device), {})[session.night] = cell.standing
        nights[session.night] = None
    cells = {key: history.entries(key[0], device=key[1]) for key in history.cells()}
    trends = Trends(
        environments=history.environments(),
        annotations=known,
        most=limit(entries[-1].compared for entries in cells.values()),
        options=options,
    )
    followed = [
        trends.of(key[0], entries, accepted.get(key), standings.get(key))
        for key, entries in cells.items()
    ]
    nights |= {night: None for each in followed for line in each.lines for night in line.nights}
    return followed, sorted(nights)

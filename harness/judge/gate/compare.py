"""Compare: what differs of one cell in two environments, from the sharpest question on.

Left is the base, right the candidate. Both had the same data, the same initial weights and the
same seeds, so whatever differs was computed differently.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.core.record import Record
from harness.core.trial import Trials
from harness.judge import tolerances
from harness.judge.finding import Finding
from harness.judge.metric_kinds import reported
from harness.judge.store.entry import final_metrics

Likeness = Literal["bit-equal", "equal to rounding", "different"]

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")

_MACHINE = {"logging_dir", "output_dir", "run_name"}
"""Arguments that name a place, not a choice."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parting:
    """Where two computations of the same thing part.

    Attributes:
        likeness: of all that was compared.
        where: the first place that differs; empty if none does.
        left: its value in the base.
        right: and in the candidate.
    """

    likeness: Likeness
    where: str = ""
    left: Any = None
    right: Any = None

    @property
    def description(self) -> str:
        """For a reviewer."""
        if not self.where:
            return self.likeness
        return f"{self.likeness}, first in {self.where}: {self.left} and {self.right}"


def contracts(left: Trials, right: Trials) -> Iterator[Finding]:
    """What changed of the calls that recipes lean on, and which warnings came or went."""
    ours, theirs = left.answer("signatures"), right.answer("signatures")
    for call in sorted(ours.keys() | theirs.keys()):
        yield from _changed(call, ours.get(call, {}), theirs.get(call, {}))
    yield from _warnings(left.warnings, right.warnings)


def arguments(left: Record, right: Record) -> Iterator[Finding]:
    """Resolved training arguments that are others, warnings of the run that came or went."""
    ours, theirs = (
        {name: repr(value) for name, value in run.arguments.items() if name not in _MACHINE}
        for run in (left, right)
    )
    yield from _changed("resolved arguments", ours, theirs)
    yield from _warnings(left.warnings, right.warnings)


def _changed(what: str, left: Mapping[str, str], right: Mapping[str, str]) -> Iterator[Finding]:
    """Entries of two mappings that differ."""
    for name in sorted(left.keys() | right.keys()):
        before, after = left.get(name), right.get(name)
        if before == after:
            continue
        message = f"{before} is now {after}"
        if before is None:
            message = f"is new, {after}"
        elif after is None:
            message = f"is gone, was {before}"
        yield Finding(
            stage="contracts", cell="", name=f"{what}: {name}", standing="changed", message=message
        )


def _warnings(left: Sequence[str], right: Sequence[str]) -> Iterator[Finding]:
    """Warnings that one side alone raises."""
    ours, theirs = ({_plain(text): text for text in side} for side in (left, right))
    for lines in sorted(ours.keys() ^ theirs.keys()):
        first = (ours.get(lines) or theirs[lines]).partition("\n")[0]
        yield Finding(
            stage="contracts",
            cell="",
            name=f"warning: {_COLOUR.sub('', first)}",
            standing="changed",
            message="is raised no more" if lines in ours else "is raised now",
        )


def _plain(text: str) -> tuple[str, ...]:
    """What a warning says, less colours and the order of its lines, which may be a set's."""
    return tuple(sorted(_COLOUR.sub("", text).splitlines()))


def first_steps(left: Trials, right: Trials) -> Parting:
    """The fingerprint of a cell in single precision, then its first steps in double precision."""
    ours, theirs = left.first_steps, right.first_steps
    trained = {"losses": tolerances.SINGLE, "norms": tolerances.SINGLE}
    one, other = left["reference"], right["reference"]
    return _part(
        [
            *((n, ours[n], theirs.get(n), trained.get(n, tolerances.STAGE)) for n in ours),
            ("rows trained on", one.rows, other.rows, 0.0),
            ("losses in float64", one.losses, other.losses, tolerances.DOUBLE),
            ("gradient norms in float64", one.norms, other.norms, tolerances.DOUBLE),
            ("learning rates", one.rates, other.rates, tolerances.LEARNING_RATE),
        ]
    )


def _part(places: Sequence[tuple[str, Any, Any, float]]) -> Parting:
    """The first place beyond its band, else the first that is not bit-equal."""
    rounded = Parting(likeness="bit-equal")
    for where, left, right, band in places:
        if left == right:
            continue
        if not _near(left, right, band):
            return Parting(likeness="different", where=where, **_shown(left, right))
        if not rounded.where:
            rounded = Parting(likeness="equal to rounding", where=where, **_shown(left, right))
    return rounded


def _near(left: Any, right: Any, band: float) -> bool:
    """Whether numbers, or series of them, are equal within a band relative to 1 or themselves."""
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(
            _near(a, b, band) for a, b in zip(left, right, strict=True)
        )
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        return False
    return abs(left - right) <= band * max(1.0, abs(left), abs(right))


def _shown(left: Any, right: Any) -> dict[str, Any]:
    """Two values, or of two series the first that differ."""
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        for a, b in zip(left, right, strict=False):
            if a != b:
                return {"left": a, "right": b}
        return {"left": f"{len(left)} values", "right": f"{len(right)} values"}
    return {"left": left, "right": right}


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """How far two runs' losses are apart.

    Attributes:
        part: the first step whose losses differ; 0 if none does.
        largest: |difference| of a step.
        mean: difference over all steps, candidate minus base.
    """

    part: int
    largest: float
    mean: float


def drift(left: Record, right: Record) -> Drift:
    """Losses step by step; a missing, extra or non-finite step is infinitely far."""
    ours = [step.loss for step in left.steps]
    theirs = [step.loss for step in right.steps]
    if len(ours) != len(theirs) or not all(map(math.isfinite, [*ours, *theirs])):
        return Drift(part=min(len(ours), len(theirs)), largest=math.inf, mean=math.inf)
    apart = [b - a for a, b in zip(ours, theirs, strict=True)]
    part = next((index for index, d in enumerate(apart, 1) if d), 0)
    return Drift(part=part, largest=max(map(abs, apart)), mean=sum(apart) / len(apart))


def bit_equal(left: Record, right: Record) -> bool:
    """Whether two runs saw the same rows and computed the same, to the last bit, metrics too."""
    ours, theirs = left.arrays, right.arrays
    before, after = (final_metrics(run.evaluation().metrics) for run in (left, right))
    names = ("train.rows", "final.rows", "final.predictions")
    return (
        drift(left, right) == Drift(part=0, largest=0.0, mean=0.0)
        and all(ours[name].tobytes() == theirs[name].tobytes() for name in names)
        and all(before.get(name) == after.get(name) for name in reported({**before, **after}))
    )

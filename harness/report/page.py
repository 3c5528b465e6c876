"""A comparison as one self-contained page: no network, no script, light and dark, paper too."""

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.finding import verdict
from harness.gate import Comparison
from harness.match import Pair
from harness.report.causes import Cause, shown, sums

WIDTH, HEIGHT, MARGIN = 300, 100, 14


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A cause, and how to see it again.

    Attributes:
        stage: of the comparison.
        name: of what was compared.
        words: for a reviewer.
        cells: that show it.
        command: that shows it again.
    """

    stage: str
    name: str
    words: str
    cells: list[str]
    command: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """A cell's runs, drawn.

    Attributes:
        run: both runs.
        base: points of the base's loss curve.
        candidate: and of the candidate's.
        lowest: loss at the bottom of the drawing.
        highest: and at its top.
        figures: name, value in the base, value in the candidate.
    """

    run: Pair
    base: str
    candidate: str
    lowest: float
    highest: float
    figures: list[tuple[str, str, str]]


def page(found: Comparison) -> str:
    """The page. Whatever comes from data sets or libraries is escaped."""
    templates = Environment(
        loader=PackageLoader("harness", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    causes = [(cause[0], _told(found, cause, cells)) for cause, cells in shown(found)]
    text: str = templates.get_template("page.html.jinja").render(
        found=found,
        verdict=verdict(found.findings),
        sums=sums(found),
        told=[(s, [told for _, told in group]) for s, group in groupby(causes, lambda c: c[0])],
        races=[f for f in found.findings if f.stage == "throughput"],
        cells=[_drawn(pair) for pair in found.pairs],
    )
    return text


def _told(found: Comparison, cause: Cause, cells: list[str]) -> Told:
    """A cause with the command that shows it again."""
    _, stage, name, words = cause
    command = ""
    if stage == "invariants":
        suite, _, cell = cells[0].partition("/")
        python = found.candidate["executable"]
        only = f"{name} and {suite} and {cell}"
        command = shlex.join(["pytest", *found.suites, "-k", only, f"--harness-python={python}"])
    return Told(stage=stage, name=name, words=words, cells=cells, command=command)


def _drawn(pair: Pair) -> Drawn:
    """Both loss curves on one scale, and the figures below them."""
    finite = [loss for loss in (*pair.base, *pair.candidate) if math.isfinite(loss)]
    lowest, highest = min(finite, default=0.0), max(finite, default=1.0)
    return Drawn(
        run=pair,
        base=_points(pair.base, lowest, highest),
        candidate=_points(pair.candidate, lowest, highest),
        lowest=lowest,
        highest=highest,
        figures=[
            (name, f"{before:.4f}", f"{after:.4f}")
            for name, (before, after) in pair.figures.items()
        ],
    )


def _points(losses: Sequence[float], lowest: float, highest: float) -> str:
    """An SVG polyline's points; losses that are not finite are left out."""
    span = highest - lowest or 1.0
    step = WIDTH / max(1, len(losses) - 1)
    room = HEIGHT - 2 * MARGIN
    return " ".join(
        f"{index * step:.1f},{MARGIN + room * (highest - loss) / span:.1f}"
        for index, loss in enumerate(losses)
        if math.isfinite(loss)
    )

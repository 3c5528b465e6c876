"""How heavy the trend page of a year is, and how long Chromium takes to open it.

    python -m tests.benchmarks.year_page [--keep FILE]

24 cells report six figures on each of 365 nights, with steps, a drift, wild nights, gaps, and an
environment that is another one every third week. Prints the page's size, then milliseconds from
navigation until the page is loaded and its script has run, is laid out to its end, and is shown
(the second frame), each the median of several starts with the smallest and the largest; the same
for an empty page.
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.judge.nightly.trend import Line, Mark, Move, Trend, TrendBand
from harness.judge.reports.trend_page import page

if TYPE_CHECKING:
    from harness.judge.finding import Status

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
NIGHTS, REPEATS = 365, 5
FIRST = date(2025, 7, 12)
CELLS = tuple(
    f"Test{suite}/{model}-{collation}-{loop}"
    for suite, model, collation, loop in product(
        ("Imdb", "Mrpc", "Yelp"),
        ("bert-base-uncased", "distilbert-base-uncased"),
        ("dynamic", "max_length"),
        ("trainer", "accelerate"),
    )
)
FIGURES = {
    "accuracy": (0.897, 0.004),
    "loss": (0.284, 0.006),
    "early_loss": (0.6931, 0.0),
    "samples_per_second": (1412.0, 16.0),
    "memory": (1.31e9, 2e6),
    "padding": (0.235, 0.0),
}
"""What each is about, and the standard deviation of a night."""

HIGHER = frozenset({"accuracy", "samples_per_second"})
TORCH = ("torch 2.9.1 → 2.10.0", "triton 3.5.1 → 3.6.0")
TRANSFORMERS = ("transformers 5.17.0 → 5.18.0", "tokenizers 0.22.1 → 0.23.0")

WATCH = """<script>
const held = document.body.appendChild(document.createElement("iframe")).contentDocument;
held.open();  // the load event, which Chromium's --dump-dom waits for, waits for this
const observed = {};
addEventListener("DOMContentLoaded", () => {
  observed.loaded = performance.now();
  observed.height = document.body.offsetHeight;
  observed.layout = performance.now();
});
requestAnimationFrame(() => requestAnimationFrame(() => {
  observed.frame = performance.now();
  document.title = JSON.stringify(observed);
  held.close();
}));
</script>
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Planted:
    """A step that is put into a figure.

    Attributes:
        at: night.
        detection: likewise.
        by: share of the figure.
        changes: of the environment.
    """

    at: int
    detection: int
    by: float
    changes: tuple[str, ...] = ()


def year(nights: int = NIGHTS) -> tuple[list[Trend], list[str]]:
    """A plausible history up to tonight, and its nights."""
    dates = [(FIRST + timedelta(days=night)).isoformat() for night in range(nights)]
    draw = np.random.default_rng(0)
    return [_trend(draw, number, dates) for number in range(len(CELLS))], dates


def planted(number: int, figure: str, tonight: int) -> list[Planted]:
    """The steps of a cell's figure."""
    name = CELLS[number]
    steps = []
    if figure == "samples_per_second" and "/bert" in name:
        start = tonight - 198
        steps.append(Planted(at=start, detection=start + 2, by=-0.07, changes=TRANSFORMERS))
    if figure == "memory" and name.endswith("trainer"):
        steps.append(Planted(at=tonight - 90, detection=tonight - 90, by=0.12))
    if figure == "samples_per_second" and name.endswith("accelerate"):
        steps.append(Planted(at=tonight - 21, detection=tonight - 20, by=0.11, changes=TORCH))
    if figure in {"accuracy", "loss"} and number in {8, 10}:
        by = -0.028 if figure == "accuracy" else 0.11
        steps.append(Planted(at=tonight - 2, detection=tonight, by=by, changes=TRANSFORMERS))
    if figure == "padding" and name.startswith("TestMrpc"):
        steps.append(Planted(at=tonight - 140, detection=tonight - 140, by=0.04))
    return steps


def _trend(draw: np.random.Generator, number: int, nights: Sequence[str]) -> Trend:
    """A cell's year."""
    tonight = len(nights) - 1
    measured = [
        night
        for night in range(len(nights))
        if not (number == 5 and night < tonight - 120)  # a young cell
        and not (number == 14 and night > tonight - 4)  # one that is no longer measured
        and not 100 < night < 121  # the machine was away
    ]
    lines = tuple(
        _line(draw, number, figure, measured, nights)
        for figure in FIGURES
        if not (figure == "memory" and number == 17)
    )
    standings: dict[str, Status] = {nights[night]: "same" for night in measured}
    if number == 14:
        standings[nights[tonight]] = "not measured"
    if number == 11:
        standings |= dict.fromkeys(nights[tonight - 5 :], "regressed")
    if number in {3, 19}:
        standings[nights[tonight - number % 4]] = "inconclusive"
    if number == 5:
        standings = {n: s for n, s in standings.items() if n > nights[tonight - 12]}
    if number == 20:
        standings[nights[tonight - 9]] = "fixed"
    return Trend(
        cell=CELLS[number],
        device="Intel Xeon, 2 cores",
        lines=lines,
        marks=_marks(number, nights),
        standings=standings,
    )


def _marks(number: int, nights: Sequence[str]) -> tuple[Mark, ...]:
    """What happened to a cell: new environments, a result that was accepted, a known change."""
    tonight = len(nights) - 1
    other = {tonight - 198: TRANSFORMERS, tonight - 21: TORCH, tonight - 2: TRANSFORMERS}
    marks = [
        Mark(
            night=nights[night],
            kind="environment",
            description=", ".join(
                other.get(night, (f"datasets 4.{night // 21} → 4.{night // 21 + 1}",))
            ),
        )
        for night in sorted({*range(21, tonight, 21), *other})
        if 0 <= night <= tonight
    ]
    if CELLS[number].endswith("trainer") and tonight > 90:
        reason = "memory: Trainer keeps a copy of the best weights"
        marks.append(Mark(night=nights[tonight - 88], kind="accepted", description=reason))
    if CELLS[number].startswith("TestMrpc") and tonight > 140:
        reason = "the embedded sentences are longer"
        marks.append(Mark(night=nights[tonight - 140], kind="change", description=reason))
    return tuple(sorted(marks, key=lambda mark: mark.night))


def _line(
    draw: np.random.Generator,
    number: int,
    figure: str,
    measured: Sequence[int],
    nights: Sequence[str],
) -> Line:
    """A figure's year."""
    centre, spread = FIGURES[figure]
    centre *= 1 if figure in {"early_loss", "padding"} else 1 + 0.02 * (number % 5 - 2)
    truth = np.full(len(nights), centre)
    tonight = len(nights) - 1
    steps = [step for step in planted(number, figure, tonight) if step.at in measured[8:]]
    for step in steps:
        truth[step.at :] *= 1 + step.by
    drifts = number == 6 and figure == "accuracy" and tonight > 100
    if drifts:
        truth -= np.linspace(0, 0.016, len(nights))
    values = (truth + draw.normal(0, spread, len(nights)))[list(measured)]
    values[draw.random(len(measured)) < 1 / 40] *= 0.92 if figure == "samples_per_second" else 1
    if (number, figure) == (2, "loss"):
        values[len(values) // 2] = 41.0
    dates = tuple(nights[night] for night in measured)
    cuts = [0, *(measured.index(step.at) for step in steps), len(measured)]
    suspicion = float(draw.random() ** 6) * 0.5 * (spread > 0)
    return Line(
        figure=figure,
        nights=dates,
        values=tuple(map(float, values)),
        bands=tuple(_band(values, start, stop) for start, stop in pairwise(cuts)),
        moves=tuple(
            _move(number, values, measured, step, better=(step.by > 0) == (figure in HIGHER))
            for step in steps
        ),
        drifted=nights[tonight - 9] if drifts else "",
        suspicion=0.62 if (number, figure) == (13, "loss") else suspicion,
    )


def _band(values: npt.NDArray[np.float64], start: int, stop: int) -> TrendBand:
    """A regime."""
    mean, spread = float(np.median(values[start:stop])), float(values[start:stop].std())
    wide = min(spread, 0.02 * mean)
    return TrendBand(start=start, stop=stop, mean=mean, low=mean - 2 * wide, high=mean + 2 * wide)


def _move(
    number: int,
    values: npt.NDArray[np.float64],
    measured: Sequence[int],
    step: Planted,
    *,
    better: bool,
) -> Move:
    """A step as the history tells it."""
    at, detection = measured.index(step.at), measured.index(step.detection)
    suite = CELLS[number].partition("/")[0].removeprefix("Test").lower()
    package, _, _, release = (step.changes or ("- - - -",))[0].split()
    command = f"harness gate {package}=={release} --suites suites/test_{suite}.py --attribute"
    return Move(
        at=at,
        detection=detection,
        before=float(values[max(0, at - 20) : at].mean()),
        after=float(values[at : detection + 1].mean()),
        better=better,
        changes=step.changes,
        command=command if step.changes else "",
    )


def browse(path: Path, profile: Path, *options: str) -> str:
    """What Chromium makes of a page, as HTML."""
    done = subprocess.run(
        [
            *(str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *(f"--user-data-dir={profile}", *options, "--dump-dom", path.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


def opened(text: str, folder: Path) -> Mapping[str, Any]:
    """Milliseconds until a page was loaded, laid out and shown."""
    path = folder / "watched.html"
    path.write_text(text.replace("</body>", f"{WATCH}</body>"), encoding="utf-8")
    shown = browse(path, folder / "profile")
    title = re.search(r"<title>(.*?)</title>", shown)
    if title is None:
        raise ValueError("Chromium showed no title")
    observed: dict[str, Any] = json.loads(title[1])
    return observed


def main() -> None:
    """Make the page, and open it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="file that the page is written to")
    keep = parser.parse_args().keep
    trends, nights = year()
    started = time.perf_counter()
    text = page(trends, nights)
    seconds = time.perf_counter() - started
    values = sum(len(line.values) for trend in trends for line in trend.lines)
    size = len(text.encode())
    sys.stdout.write(f"{values:,} values: {size / 1e6:.2f} MB, made in {seconds:.2f} s\n")
    if keep is not None:
        keep.write_text(text, encoding="utf-8")
    if CHROMIUM is None:
        sys.stdout.write("there is no Chromium here\n")
        return
    empty = page([], [])
    with tempfile.TemporaryDirectory() as folder:
        opened(empty, Path(folder))  # makes the profile
        for name, one in (("empty", empty), ("year", text)):
            times = [opened(one, Path(folder)) for _ in range(REPEATS)]
            for what in ("loaded", "layout", "frame"):
                took = [observed[what] for observed in times]
                sys.stdout.write(
                    f"{name:<6}{what:<7}{statistics.median(took):>6.0f} ms "
                    f"[{min(took):.0f}, {max(took):.0f}]\n"
                )


if __name__ == "__main__":
    main()

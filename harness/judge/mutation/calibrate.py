"""Calibrating: tolerances from the noise of clean runs, rather than from guesses."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.judge import tolerances
from harness.judge.cell import Cell
from harness.judge.mutation.mutate import shortened
from harness.judge.runs.runner import Runner
from harness.judge.suite import evaluate

MARGIN = 30
"""A proposed tolerance is this many times the largest noise seen, rounded up."""


def calibrate(runner: Runner, cells: Sequence[Cell], repeats: int) -> Iterator[str]:
    """Lines of a table: every band, the largest distance that clean runs showed, a proposal.

    Args:
        runner: runs them.
        cells: of some suites, taken in turn.
        repeats: how many runs, each with a seed of its own.
    """
    noise: dict[str, float] = {}
    for seed in range(1, repeats + 1):
        cell = cells[(seed - 1) * len(cells) // repeats]
        recipe = replace(shortened(cell.recipe), seed=seed)
        trials = runner.trials(replace(cell, recipe=recipe))
        for invariant in evaluate.of("trials"):
            with tolerances.measuring() as distances:
                result = evaluate.judge(invariant, trials)
            if result.outcome == "holds":
                noise |= {k: max(v, noise.get(k, 0.0)) for k, v in distances.items()}
    yield f"{repeats} clean runs"
    yield f"{'band':16}{'noise':>10}{'proposed':>12}{'tolerance':>12}"
    for name, distance in sorted(noise.items()):
        band = float(getattr(tolerances, name))
        yield f"{name:16}{distance:10.1e}{_proposed(distance):12.0e}{band:12.0e}"


def _proposed(noise: float) -> float:
    """The next power of ten above the noise with its margin."""
    return 10.0 ** math.ceil(math.log10(MARGIN * max(noise, 1e-17)))

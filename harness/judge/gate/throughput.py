"""Throughput: time and memory that two environments take, side by side, never from the store.

Each has a live child that trains the same few steps on demand. They take turns in the order
A B B A, so that a machine that slows down or warms up counts for both; and replaced by new ones
after each such heat, which is one observation. In every second heat B starts.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace

from harness.core.recipe import Recipe
from harness.judge import statistics
from harness.judge.cell import Cell
from harness.judge.statistics import Ratio

JUDGED = ("step", "train", "predict", "tokenize", "save", "memory")
"""Costs that may fail: seconds of a step and by phase, and peak bytes; the others say why."""

WITHIN = ("collate", "forward", "backward", "optimizer")

MINIMUM = 0.02
"""A slowdown below this share is none."""

MINIMUM_OF_MEMORY = 0.05
"""Nor are more bytes below this one: another release's modules alone take two percent."""

LARGE = 0.1
"""A slowdown of this share must not go unseen: a race that cannot exclude it is inconclusive."""

HEATS, MOST_HEATS = 8, 24
"""Each of fresh children, for how a process lies in memory can cost it two percent for life."""

Ratios = Mapping[str, Ratio]
Timed = Callable[[Cell], AbstractContextManager[Callable[[], dict[str, float]]]]


def shortened(recipe: Recipe) -> Recipe:
    """A recipe cut down to a fraction of a second."""
    return replace(
        recipe,
        max_train_samples=128,
        max_eval_samples=64,
        max_holdout_samples=None,
        num_proc=None,
        num_train_epochs=1,
        max_steps=-1,
        dataloader_num_workers=0,
        eval_strategy="no",
        save_strategy="no",
        load_best_model_at_end=False,
        save_model=True,
        save_state=False,
    )


def race(base: Timed, candidate: Timed, cell: Cell, *, confirm: bool = False) -> Ratios:
    """How much more the candidate takes, by cost; raced on while the answer is open.

    Args:
        base: `Runner.timed` of the base.
        candidate: and of the candidate.
        cell: to train, cut down.
        confirm: race on to the end: intervals of a race that ends when they please are wrong
            more often than they say.

    Raises:
        RunError: a run was lost.
    """
    cell = replace(cell, recipe=shortened(cell.recipe))
    logs: dict[str, list[float]] = {}
    for done in range(1, MOST_HEATS + 1):
        turned = done % 2 == 0  # whoever starts first is at a disadvantage of up to a percent
        heat = _heat(candidate, base, cell) if turned else _heat(base, candidate, cell)
        for cost, mean in heat.items():
            logs.setdefault(cost, []).append(-mean if turned else mean)
        if done >= HEATS and not confirm:
            ratios = _ratios(logs)
            if worse(ratios) or ratios["step"].high < 1 + MINIMUM:
                break
    return _ratios(logs)


def _ratios(logs: Mapping[str, Sequence[float]]) -> Ratios:
    """What heats so far say."""
    return {cost: statistics.ratio(values) for cost, values in logs.items()}


def _heat(first: Timed, second: Timed, cell: Cell) -> dict[str, float]:
    """Mean logarithm of the second's costs over the first's, from fresh children."""
    with ExitStack() as stack:
        one, other = (stack.enter_context(timed(cell)) for timed in (first, second))
        for lane in (one, other):
            lane()  # what is done once, such as filling caches, is not part of the race
        left, right, again, last = (lane() for lane in (one, other, other, one))
    return {
        cost: math.log(right[cost] / left[cost] * again[cost] / last[cost]) / 2
        for cost in left.keys() & right.keys()
    }


def worse(ratios: Ratios) -> list[str]:
    """Judged costs of which the candidate has more, surely and by more than the minimum."""
    least = dict.fromkeys(JUDGED, MINIMUM) | {"memory": MINIMUM_OF_MEMORY}
    return [
        cost
        for cost in JUDGED
        if cost in ratios and ratios[cost].low > 1 and ratios[cost].mean > 1 + least[cost]
    ]


def conclusive(ratios: Ratios) -> bool:
    """Whether the race could have shown a slowdown that matters to anybody."""
    return ratios["step"].high < 1 + LARGE or bool(worse(ratios))


def description(ratios: Ratios) -> str:
    """Candidate's costs over base's for a reviewer, with intervals of 95 %."""
    return ", ".join(
        f"{phase} {ratios[phase].mean:.3f} [{ratios[phase].low:.3f}, {ratios[phase].high:.3f}]"
        for phase in (*JUDGED, *WITHIN)
        if phase in ratios
    )


def chosen(cells: Sequence[Cell]) -> list[Cell]:
    """The first cell of every loop."""
    first: dict[str, Cell] = {}
    for cell in cells:
        first.setdefault(cell.recipe.loop, cell)
    return [*first.values()]

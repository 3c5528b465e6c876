"""Racing: how fast two environments train, measured side by side and never from the store.

Each has a live child that trains the same few steps when asked. They are asked in the order
A B B A, so that a machine that slows down or warms up counts for both.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace

from harness import statistics
from harness.spec import Cell, Recipe
from harness.statistics import Ratio

JUDGED = ("train", "predict", "tokenize", "save")
"""Phases that may fail; those within training say why."""

WITHIN = ("collate", "forward", "backward", "optimizer")

MINIMUM = 0.02
"""A slowdown below this share is none."""

ROUNDS, MOST_ROUNDS = 8, 48
"""Of four runs each: as many before an answer is looked for, and as many in all."""

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


def race(base: Timed, candidate: Timed, cell: Cell) -> Ratios:
    """How much longer the candidate takes, by phase; longer while the answer is open.

    Args:
        base: `Runner.timed` of the base.
        candidate: and of the candidate.
        cell: to train, cut down.

    Raises:
        RunError: a run was lost.
    """
    cell = replace(cell, recipe=shortened(cell.recipe))
    logs: dict[str, list[float]] = {}
    with ExitStack() as stack:
        one, other = (stack.enter_context(timed(cell)) for timed in (base, candidate))
        for lane in (one, other):
            lane()  # what is done once, such as filling caches, is not part of the race
        for done in range(1, MOST_ROUNDS + 1):
            runs = [lane() for lane in (one, other, other, one)]
            for ours, theirs in ((runs[0], runs[1]), (runs[3], runs[2])):
                for phase in ours.keys() & theirs.keys():
                    logs.setdefault(phase, []).append(math.log(theirs[phase] / ours[phase]))
            if done % ROUNDS == 0:
                found = {phase: statistics.ratio(values) for phase, values in logs.items()}
                if slower(found) or found["train"].high < 1 + MINIMUM:
                    break
    return found


def slower(found: Ratios) -> list[str]:
    """Judged phases in which the candidate is slower, surely and by more than the minimum."""
    return [
        phase
        for phase in JUDGED
        if phase in found and found[phase].low > 1 and found[phase].mean > 1 + MINIMUM
    ]


def words(found: Ratios) -> str:
    """Candidate's seconds over base's for a reviewer, with intervals of 95 %."""
    return ", ".join(
        f"{phase} {found[phase].mean:.3f} [{found[phase].low:.3f}, {found[phase].high:.3f}]"
        for phase in (*JUDGED, *WITHIN)
        if phase in found
    )


def chosen(cells: Sequence[Cell]) -> list[Cell]:
    """The first cell of every loop."""
    first: dict[str, Cell] = {}
    for cell in cells:
        first.setdefault(cell.recipe.loop, cell)
    return [*first.values()]

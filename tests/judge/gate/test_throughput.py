"""Racing: two environments train in turn, and a slowdown is shown with the phase that did it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from harness.core.recipe import Recipe
from harness.judge import catalog, statistics
from harness.judge.cell import Cell
from harness.judge.gate import throughput
from harness.judge.runs.runner import Runner
from harness.judge.statistics import Ratio
from tests.conftest import Fault

RECIPE = catalog.tiny(Recipe(dataset="glue/mrpc", max_length=128))


def lanes(*recipes: Recipe) -> list[Cell]:
    """Cells of some recipes."""
    return [Cell.of(name=r.loop, recipe=r, scale="tiny", device="cpu") for r in recipes]


def ratio(mean: float, half: float) -> Ratio:
    """A ratio and its interval."""
    return Ratio(mean=mean, low=mean - half, high=mean + half)


def test_every_phase_is_timed(runner: Runner) -> None:
    """What a lane tells adds up: the parts of training are no longer than training."""
    (cell,) = lanes(throughput.shortened(RECIPE))
    with runner.timed(cell) as lane:
        lane()
        taken = lane()
    parts = [taken[phase] for phase in throughput.WITHIN]
    assert min(parts) > 0
    assert 0 < taken["step"] < taken["train"]
    assert 0.5 * taken["train"] < sum(parts) < taken["train"]
    assert set(throughput.JUDGED) <= set(taken)


def test_a_slow_backward_pass_is_told_from_the_rest(runner: Runner, fault: Fault) -> None:
    """What sleeps while gradients are computed makes that the longest part of training."""
    sleepy = fault(
        "import time, torch\n"
        "from torch.nn.modules.module import register_module_forward_hook\n"
        "def slow(module, _, output):\n"
        "    if isinstance(module, torch.nn.Linear) and output.requires_grad:\n"
        "        output.register_hook(lambda _: time.sleep(0.002))\n"
        "register_module_forward_hook(slow)\n"
    )
    (cell,) = lanes(throughput.shortened(RECIPE))
    with runner.timed(cell, sleepy) as lane:
        taken = lane()
    assert max(throughput.WITHIN, key=lambda phase: taken[phase]) == "backward"
    assert taken["backward"] > 0.5 * taken["train"]


@pytest.mark.exhaustive
@pytest.mark.slow
def test_what_costs_more_is_named(runner: Runner, fault: Fault) -> None:
    """An optimizer that sleeps slows training beyond doubt, and what it hoards is seen."""
    (cell,) = lanes(RECIPE)
    sleepy = fault(
        "import time, torch\n"
        "torch.hoard = b'x' * 300_000_000\n"
        "take = torch.optim.AdamW.step\n"
        "def step(self, *args, **kwargs):\n"
        "    time.sleep(0.004)\n"
        "    return take(self, *args, **kwargs)\n"
        "torch.optim.AdamW.step = step\n"
    )
    ratios = throughput.race(runner.timed, partial(runner.timed, fault=sleepy), cell)
    assert {"step", "train", "memory"} <= set(throughput.worse(ratios))
    slowest = max(throughput.WITHIN, key=lambda phase: ratios[phase].mean)
    assert slowest == "optimizer"
    assert ratios["optimizer"].low > 1.5


def test_sides_take_turns_to_start() -> None:
    """Where whoever starts first is slower, neither side is; a slower side is, in every heat."""
    started = 0

    @contextmanager
    def timed(_: Cell, seconds: float = 1.0) -> Iterator[Callable[[], dict[str, float]]]:
        nonlocal started
        started += 1
        late = 1.0 if started % 2 else 0.98
        yield lambda: {"step": seconds * late}

    (cell,) = lanes(RECIPE)
    alike = throughput.race(timed, timed, cell, confirm=True)["step"]
    assert alike.mean == pytest.approx(1.0)
    slower = throughput.race(timed, partial(timed, seconds=1.05), cell, confirm=True)["step"]
    assert slower.mean == pytest.approx(1.05)


@pytest.mark.parametrize(
    ("confirm", "heats"), [(False, throughput.HEATS), (True, throughput.MOST_HEATS)]
)
def test_a_race_that_confirms_does_not_choose_its_end(*, confirm: bool, heats: int) -> None:
    """An open race ends once it is answered; one that confirms takes every heat."""
    begun = 0

    @contextmanager
    def timed(_: Cell) -> Iterator[Callable[[], dict[str, float]]]:
        nonlocal begun
        begun += 1
        yield lambda: {"step": 1.0}

    ratios = throughput.race(timed, timed, lanes(RECIPE)[0], confirm=confirm)
    assert ratios["step"] == Ratio(mean=1.0, low=1.0, high=1.0)
    assert begun == 2 * heats


def test_slow_is_sure_and_large() -> None:
    """A cost fails if it is more beyond doubt and beyond its minimum; some are not judged."""
    ratios = {
        "step": ratio(1.03, 0.01),
        "train": ratio(1.015, 0.01),
        "predict": ratio(1.03, 0.04),
        "save": ratio(1.01, 0.005),
        "memory": ratio(1.04, 0.001),
        "backward": ratio(1.5, 0.01),
    }
    assert throughput.worse(ratios) == ["step"]
    assert "backward 1.500 [1.490, 1.510]" in throughput.description(ratios)


def test_a_noisy_race_says_nothing() -> None:
    """Where a tenth cannot be excluded, no slowdown is no pass."""
    assert throughput.conclusive({"step": ratio(1.0, 0.02)})
    assert throughput.conclusive({"step": ratio(1.2, 0.05)})
    assert not throughput.conclusive({"step": ratio(1.0, 0.15)})


def test_ratios_of_like_runs_hold_one() -> None:
    """Intervals of 95 % hold the true ratio of 1 in nine of ten series, outliers or not."""
    draw = np.random.default_rng(0)
    held = 0
    for _ in range(100):
        outliers = (draw.random(24) < 0.05) * draw.normal(0, 0.5, 24)
        ratio_of_costs = statistics.ratio([*(draw.normal(0, 0.03, 24) + outliers)])
        held += ratio_of_costs.low <= 1 <= ratio_of_costs.high
    assert held >= 90


def test_one_cell_of_every_loop_races() -> None:
    """The first of each."""
    loops = ("trainer", "pytorch", "trainer", "accelerate")
    cells = lanes(*(replace(RECIPE, loop=loop, seed=seed) for seed, loop in enumerate(loops)))
    assert throughput.chosen(cells) == [cells[0], cells[1], cells[3]]

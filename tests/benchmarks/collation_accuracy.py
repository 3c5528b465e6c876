"""Whether another collation trains as good a model: paired by example, nested in seeds.

    python -m tests.benchmarks.collation_accuracy --dataset glue/mrpc --seeds 10

Trains the tiny scale's model with every collation and every seed, and holds each collation's right
answers against dynamic padding's, with the gate's statistics and margin.
"""

import argparse
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from harness.core.recipe import Recipe
from harness.judge import catalog, statistics
from harness.judge.cell import Cell
from harness.judge.declarations import Thresholds
from harness.judge.runs.runner import Runner
from harness.judge.settings import Settings

BASELINE = "dynamic"
OTHERS = ("max_length", "group_by_length", "max_tokens:1024", "packed", "padding_free")


def right(runner: Runner, recipe: Recipe, seeds: int) -> npt.NDArray[np.float64]:
    """(seeds, examples) whether each was predicted right."""

    def one(seed: int) -> npt.NDArray[np.float64]:
        seeded = replace(recipe, seed=recipe.seed + seed)
        cell = Cell.of(name=f"{recipe.collation}-{seed}", recipe=seeded, scale="tiny", device="cpu")
        return runner.run(cell).record.correctness()[1]

    def all_of_them() -> Iterator[npt.NDArray[np.float64]]:
        with ThreadPoolExecutor(2) as pool:
            yield from pool.map(one, range(seeds))

    return np.stack([*all_of_them()])


def main() -> None:
    """Train, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="glue/mrpc")
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    declared = Recipe(
        dataset=options.dataset,
        loop="pytorch",
        max_length=512,
        max_eval_samples=512,
        save_model=False,
    )
    margin = Thresholds().margin
    with TemporaryDirectory() as folder:
        runner = Runner(settings=Settings(store=Path(folder)), session=uuid.uuid4().hex)
        correct = {
            name: right(runner, catalog.tiny(replace(declared, collation=name)), options.seeds)
            for name in (BASELINE, *OTHERS)
        }
        runner.close()
    sys.stdout.write(f"{BASELINE}: accuracy {correct[BASELINE].mean():.4f}\n")
    for name in OTHERS:
        effect = statistics.effect(correct[name] - correct[BASELINE], margin)
        sys.stdout.write(
            f"{name}: {effect.mean:+.4f} [{effect.low:+.4f}, {effect.high:+.4f}], "
            f"{effect.answer} than {margin:g}\n"
        )


if __name__ == "__main__":
    main()

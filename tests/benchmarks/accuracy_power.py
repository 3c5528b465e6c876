"""How often a true loss of two points on the real MRPC is found, and an equal pair is accused.

    python -m tests.benchmarks.accuracy_power DIR [--store DIR]

`DIR` holds `datasets/mrpc`, as `--harness-sources` does. Every seed fine-tunes MiniLM as the base,
and with short sentences, which costs more than two points; the first few seeds also as what only
rounds differently (its learning rate is another by 1e-6). What is lost is then thinned to two: an
answer that changed stays changed with the probability that makes it so. The gate's rule is asked
again and again, of seeds in another order; prints how often it gave each answer. Runs are kept in
the store, so it can be interrupted.
"""

import argparse
import sys
import uuid
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.core.recipe import Recipe
from harness.core.record import Record
from harness.judge import statistics
from harness.judge.cell import Cell
from harness.judge.gate.paired_cell import FEWEST_SEEDS, MOST_SEEDS, NUDGE
from harness.judge.runs.runner import Runner
from harness.judge.settings import Settings

MARGIN = 0.02
REPEATS = 100
RECIPE = Recipe(
    dataset="glue/mrpc",
    model="all-MiniLM-L6-v2",
    max_length=128,
    max_train_samples=2048,
    num_train_epochs=2,
    per_device_train_batch_size=16,
    per_device_eval_batch_size=32,
    learning_rate=1e-4,
)
KINDS = {
    "base": (RECIPE, MOST_SEEDS),
    "short sentences": (replace(RECIPE, max_length=24), MOST_SEEDS),
    "rounds differently": (
        replace(RECIPE, learning_rate=RECIPE.learning_rate * (1 + NUDGE)),
        FEWEST_SEEDS,
    ),
}


def right(record: Record) -> npt.NDArray[np.float64]:
    """Whether each example was predicted right, (examples,), in the data set's order."""
    order = np.argsort(record.arrays["final.rows"])
    predicted = record.arrays["final.predictions"].argmax(axis=-1)
    return np.asarray(predicted == record.arrays["final.labels"], np.float64)[order]


def train(runner: Runner, recipe: Recipe, seeds: int) -> npt.NDArray[np.float64]:
    """Right answers of several seeds, (seeds, examples)."""
    rows = []
    for seed in range(seeds):
        cell = Cell.of(
            name=f"power-{recipe.max_length}-{seed}",
            recipe=replace(recipe, seed=seed),
            scale="full",
            device="cpu",
        )
        result = runner.run(cell)
        rows.append(right(result.record))
        sys.stdout.write(f"  seed {seed}: {rows[-1].mean():.4f}  {result.seconds:.0f} s\n")
        sys.stdout.flush()
    return np.stack(rows)


def answers(
    differences: npt.NDArray[np.float64], draw: np.random.Generator, share: float
) -> Counter[str]:
    """What the gate's rule says of many drawings, in which a share of the differences is kept."""
    if not 0 <= share <= 1:
        raise SystemExit("what should lose two points loses less: shorten its sentences")
    counts: Counter[str] = Counter()
    for _ in range(REPEATS):
        kept = differences * (draw.random(differences.shape) < share)
        effect = statistics.sequential(draw.permutation(kept), MARGIN, FEWEST_SEEDS)
        counts["loses more" if effect.loses else effect.answer] += 1
    return counts


def main() -> None:
    """Train, then ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", type=Path)
    parser.add_argument("--store", type=Path, default=Path(".harness"))
    options = parser.parse_args()
    settings = Settings(store=options.store, sources=(options.sources.resolve(),))
    runner = Runner(settings=settings, session=uuid.uuid4().hex)
    taken = {}
    for kind, (recipe, seeds) in KINDS.items():
        sys.stdout.write(f"{kind}\n")
        taken[kind] = train(runner, recipe, seeds)
    runner.close()
    base, short, rounded = taken.values()
    draw = np.random.default_rng(0)
    for kind, differences, share in (
        ("two points lost", short - base, MARGIN / (base - short).mean()),
        ("equal but for rounding", rounded - base[:FEWEST_SEEDS], 1.0),
        ("equal but for the seed", np.roll(base, 1, axis=0) - base, 1.0),
    ):
        counts = answers(differences, draw, share)
        apart = float((differences != 0).mean())
        shares = ", ".join(f"{answer} {count / REPEATS:.1%}" for answer, count in counts.items())
        sys.stdout.write(
            f"{kind}: {differences.mean():+.4f}, {apart:.1%} of answers differ: {shares}\n"
        )


if __name__ == "__main__":
    main()

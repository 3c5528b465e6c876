"""What watching costs: steps of a plain Trainer and of a watched one, in interleaved pairs.

    python -m tests.benchmarks.observation_cost --pairs 10

Both train the same tiny cell, logging every step, from the same weights; the order alternates
(ABBA). Reported: the median over pairs of watched / plain, with a bootstrap interval.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
import transformers

from harness.core.collation import DYNAMIC
from harness.core.recipe import Recipe
from harness.core.schema import Schema
from harness.judge import catalog
from harness.judge.cell import Cell
from harness.judge.runs.sources import Sources
from harness.worker import data, models
from harness.worker.compat import argument_values
from harness.worker.features import Tokenize
from harness.worker.loops.attached import attach
from harness.worker.objective import Objective
from harness.worker.watch import Watch
from tests.ready import inputs_of

RECIPE = catalog.tiny(
    Recipe(dataset="glue/mrpc", max_length=128, num_train_epochs=1, per_device_train_batch_size=8)
)


def prepare(folder: Path) -> tuple[Any, Any, str]:
    """The tokenized training split, the tokenizer and the model's folder."""
    cell = Cell.of(name="cost", recipe=RECIPE, scale="tiny", device="cpu")
    inputs, dataset = inputs_of(Sources(hub=False), cell), cell.dataset
    schema = Schema(texts=dataset.texts, label_names=dataset.label_names)
    rows = data.load([str(file) for file in inputs.tables.files["train"]], schema, folder)
    tokenizer = models.tokenizer(str(inputs.model))
    function = Tokenize(tokenizer, dataset.texts, RECIPE.max_length or 32)
    return data.tokenize(rows, function), tokenizer, str(inputs.model)


def step_seconds(
    folder: Path, rows: Any, tokenizer: Any, model_folder: str, *, watched: bool
) -> float:
    """Mean wall seconds of a training step."""
    transformers.set_seed(0)
    model, _ = models.load(model_folder, Objective(label_names=("a", "b")))
    values = argument_values(RECIPE, output_dir=str(folder / "output"), device="cpu")
    shared: dict[str, Any] = {
        "model": model,
        "args": transformers.TrainingArguments(**values),
        "data_collator": models.collator(tokenizer, DYNAMIC, 32),
        "train_dataset": rows,
    }
    trainer = transformers.Trainer(**shared)
    if watched:
        attach(trainer, Watch(pad_id=tokenizer.pad_token_id, progress=lambda *_: None))
    started = time.perf_counter()
    trainer.train()
    return (time.perf_counter() - started) / int(trainer.state.global_step)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=10)
    pairs = parser.parse_args().pairs
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepared = prepare(folder)
        step_seconds(folder, *prepared, watched=False)  # the first run pays for what is lazy
        times: dict[bool, list[float]] = {True: [], False: []}
        for pair in range(pairs):
            for watched in (False, True) if pair % 2 == 0 else (True, False):
                times[watched].append(step_seconds(folder, *prepared, watched=watched))
    ratios = [on / off for on, off in zip(times[True], times[False], strict=True)]
    draw = random.Random(0)  # noqa: S311 - a reproducible bootstrap
    medians = sorted(statistics.median(draw.choices(ratios, k=pairs)) for _ in range(2000))
    plain, watched_step = (statistics.median(times[kind]) * 1e3 for kind in (False, True))
    sys.stdout.write(
        f"plain {plain:.2f} ms, watched {watched_step:.2f} ms a step; watched / plain "
        f"{statistics.median(ratios):.3f}  [{medians[50]:.3f}, {medians[-51]:.3f}] "
        f"(95 %, {pairs} pairs)\n"
    )


if __name__ == "__main__":
    main()

"""`harness plan`: which collation to use for a data set and a model, without training."""

import argparse
import json
import sys
from pathlib import Path
from typing import get_args

import numpy as np

from harness import catalog, collation
from harness.collation import Trajectory
from harness.commands.options import Commands, add_settings, running
from harness.errors import SpecError
from harness.forecast import Forecast, forecast, recommended
from harness.spec import Cell, Recipe

HEADER = (
    f"{'strategy':<20}{'speed-up':>9}{'of limit':>9}{'padding':>9}{'batches':>9}"
    f"{'cost varies':>13}{'largest batch':>15}  training"
)


def add(commands: Commands) -> None:
    """Declare the command's options."""
    parser = commands.add_parser(
        "plan", help="say which collation is fastest for a data set and a model, without training"
    )
    parser.add_argument("dataset", metavar="DATASET", help=", ".join(catalog.DATASETS))
    parser.add_argument("model", metavar="MODEL", help=", ".join(catalog.MODELS))
    parser.add_argument("--batch-size", type=int, default=16, metavar="N")
    parser.add_argument(
        "--max-length", type=int, metavar="N", help="default: what the model can read"
    )
    parser.add_argument(
        "--samples", type=int, default=10_000, metavar="N", help="examples to measure"
    )
    parser.add_argument("--python", type=Path, default=Path(sys.executable), metavar="PATH")
    parser.add_argument("--store", type=Path, metavar="DIR", help="default: .harness")
    add_settings(parser)
    parser.set_defaults(harness_scale="full", command=run)


def run(asked: argparse.Namespace) -> int:
    """Print what each strategy costs, and which to use."""
    for name in ("batch_size", "samples", "max_length"):
        if getattr(asked, name) is not None and getattr(asked, name) < 1:
            raise SpecError(f"--{name.replace('_', '-')} must be 1 or more")
    recipe = Recipe(dataset=asked.dataset, model=asked.model, max_train_samples=asked.samples)
    cell = Cell(name="plan", recipe=recipe, scale=asked.harness_scale, device="cpu")
    with running(asked, asked.python) as runner:
        model = runner.sources.find(recipe, cell.scale).model
        lengths = np.asarray(runner.lengths(cell), np.int64)
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    limit = int(config["max_position_embeddings"])
    max_length = min(asked.max_length or limit, limit)
    names = [*collation.PLAIN, "pad_to_multiple_of:8", "pad_to_multiple_of:64"]
    cut = np.minimum(lengths, max_length)
    names.append(f"max_tokens:{max(round(asked.batch_size * cut.mean()), cut.max())}")
    found = [
        forecast(
            lengths,
            collation.parse(name),
            batch_size=asked.batch_size,
            max_length=max_length,
            hidden=int(config.get("hidden_size") or config["dim"]),
            training=name != "sorted",
        )
        for name in names
    ]
    print(*_lines(found, lengths), sep="\n")
    return 0


def _lines(found: list[Forecast], lengths: np.ndarray) -> list[str]:
    """What was measured, the table, the fastest first, and the advice."""
    low, middle, high = np.quantile(lengths, [0.05, 0.5, 0.95]).astype(int)
    first = found[0]
    return [
        (
            f"{len(lengths):,} examples of {lengths.min()} to {lengths.max()} tokens, half of them "
            f"at most {middle}, nine of ten {low} to {high}; {first.truncated:.1%} are cut"
        ),
        f"at most {first.limit:.2f} times as fast as padding to max_length",
        "",
        HEADER,
        *(_line(told) for told in sorted(found, key=lambda told: -told.speedup)),
        "",
        *_advice(found),
    ]


def _line(told: Forecast) -> str:
    """A strategy's line."""
    trajectory = collation.parse(told.name).trajectory
    return (
        f"{told.name:<20}{told.speedup:>8.2f}x{told.efficiency:>9.1%}{told.padding:>9.1%}"
        f"{told.batches:>9,}{told.variation:>13.1%}{told.largest:>15,}  "
        + ("evaluation only" if told.name == "sorted" else trajectory)
    )


def _advice(found: list[Forecast]) -> list[str]:
    """Which to use, and why; one for each thing that it may change about training."""
    trained = [told for told in found if told.name != "sorted"]
    allowed: list[Forecast] = []
    told: list[str] = []
    for trajectory in get_args(Trajectory):
        allowed += [t for t in trained if collation.parse(t.name).trajectory == trajectory]
        best = recommended(allowed)
        if not told or best.name not in told[-1]:
            told.append(f"{trajectory}: {best.name}, {best.speedup:.2f} times as fast")
    return told

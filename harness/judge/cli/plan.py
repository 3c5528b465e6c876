"""`harness plan`: which collation to use for a data set and a model, without training."""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from harness.core import collation
from harness.core.batching import compose
from harness.core.errors import MissingSourceError
from harness.core.recipe import Recipe
from harness.judge import catalog
from harness.judge.benchmark.cost_model import Forecast, advice, forecast
from harness.judge.cell import Cell
from harness.judge.cli.options import Commands, add_python, add_settings, add_store, running
from harness.judge.limits import Limits, argument
from harness.judge.runs.runner import Runner
from harness.judge.suite import validation

COUNT = argument(int, Limits(least=1))
"""A number of examples."""

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
    parser.add_argument(
        "--batch-size", type=COUNT, default=16, metavar="N", help="examples a batch (default: 16)"
    )
    parser.add_argument(
        "--max-length",
        type=argument(int, validation.LIMITS["max_length"]),
        metavar="N",
        help="default: what the model can read",
    )
    parser.add_argument(
        "--samples", type=COUNT, default=10_000, metavar="N", help="examples to measure"
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="also draw it, as a page")
    add_python(parser)
    add_store(parser)
    add_settings(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what each strategy costs, and which to use."""
    recipe = Recipe(
        dataset=arguments.dataset, model=arguments.model, max_train_samples=arguments.samples
    )
    title = f"{arguments.dataset}, {arguments.model}, batches of {arguments.batch_size}"
    with running(arguments, arguments.python) as runner:
        cell = _at_scale(runner, Cell.of(name="plan", recipe=recipe, scale="full", device="cpu"))
        if cell.scale == "tiny":
            title += ", embedded stand-ins"
        lengths = np.asarray(runner.lengths(cell), np.int64)
        architecture = runner.architecture(cell)
    longest = replace(recipe, max_length=arguments.max_length)
    max_length = longest.length(catalog.positions(architecture))
    cut = np.minimum(lengths, max_length)
    budget = max(round(arguments.batch_size * cut.mean()), int(cut.max()))
    multiples = map(collation.multiples_of, (8, 64))
    forecasts = []
    for strategy in (*collation.PLAIN.values(), *multiples, collation.within(budget)):
        batches = compose(
            lengths,
            strategy,
            batch_size=arguments.batch_size,
            max_length=max_length,
            training=not strategy.sorted,
        )
        hidden = catalog.width(architecture)
        forecasts.append(forecast(batches, strategy, max_length=max_length, hidden=hidden))
    print(*_lines(forecasts, lengths, max_length), sep="\n")
    if arguments.html is not None:
        from harness.judge.reports import benchmark_page, files

        files.write(
            arguments.html.parent,
            {arguments.html.name: benchmark_page.plan(title, forecasts, max_length)},
        )
    return 0


def _at_scale(runner: Runner, cell: Cell) -> Cell:
    """The cell at the scale that is set; else at full, or with a notice tiny if there are no data.

    Raises:
        SourceError: something is refused or malformed.
    """
    match runner.settings.scale:
        case "tiny" | "full" as scale:
            return replace(cell, scale=scale)
    try:
        runner.inputs.find_tokens(cell)
    except MissingSourceError as error:
        print(f"{error.what}: what follows is of the embedded stand-ins, a quarter as long")
        print("for the real lengths, give --harness-sources DIR, or go online\n", flush=True)
        return replace(cell, scale="tiny")
    return cell


def _lines(forecasts: list[Forecast], lengths: np.ndarray, max_length: int) -> list[str]:
    """What was measured, the table, the fastest first, and the advice."""
    speedups = {each.name: each.speedup for each in forecasts}
    advised = advice({each: each.speedup for each in forecasts})
    cut = np.mean(lengths > max_length)
    low, middle, high = np.quantile(lengths, [0.05, 0.5, 0.95]).astype(int)
    return [
        (
            f"{len(lengths):,} examples of {lengths.min()} to {lengths.max()} tokens, half of them "
            f"at most {middle}, nine of ten {low} to {high}; {cut:.1%} are cut"
        ),
        f"at most {forecasts[0].limit:.2f} times as fast as padding to max_length",
        "",
        HEADER,
        *(_line(each) for each in sorted(forecasts, key=lambda each: -each.speedup)),
        "",
        *(f"{why}: {name}, {speedups[name]:.2f} times as fast" for name, why in advised.items()),
    ]


def _line(strategy: Forecast) -> str:
    """A strategy's line."""
    return (
        f"{strategy.name:<20}{strategy.speedup:>8.2f}x{strategy.efficiency:>9.1%}"
        f"{strategy.padding:>9.1%}{strategy.batches:>9,}{strategy.variation:>13.1%}"
        f"{strategy.largest:>15,}  {strategy.trajectory}"
    )

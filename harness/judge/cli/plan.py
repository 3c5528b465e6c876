"""`harness plan`: which collation to use for rows and a model, without training."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from harness.core.dataset import Dataset, is_reference
from harness.core.errors import MissingSourceError, SpecError
from harness.core.model import Model
from harness.core.recipe import Recipe
from harness.judge import catalog, repository
from harness.judge.benchmark.planning import CollationPlan
from harness.judge.cell import Cell
from harness.judge.cli.options import Commands, add_python, add_settings, add_store, running
from harness.judge.limits import Limits, argument
from harness.judge.runs.runner import Runner
from harness.judge.suite import collect, locating, validation
from harness.judge.suite.draft import dataset_of

COUNT = argument(int, Limits(least=1))
"""A number of examples."""


def add(commands: Commands) -> None:
    """Declare the command's options."""
    what = "say which collation is fastest for your rows and a model, without training"
    parser = commands.add_parser("plan", help=what, description=what)
    parser.add_argument(
        "data",
        metavar="DATA",
        help="a file or a folder of rows, module:function, or a repository of the Hub; "
        f"{', '.join(catalog.DATASETS)}; or a suite, as pytest takes it",
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        nargs="?",
        help="a folder, a repository of the Hub, or "
        f"{', '.join(catalog.MODELS)}; a suite names its own",
    )
    parser.add_argument(
        "--text",
        action="append",
        default=[],
        metavar="COLUMN",
        help="of the texts, where looking at the rows errs; may be given twice",
    )
    parser.add_argument("--label", metavar="COLUMN", help="of the labels, likewise")
    parser.add_argument(
        "--batch-size", type=COUNT, metavar="N", help="examples a batch (default: the suite's, 16)"
    )
    parser.add_argument(
        "--max-length",
        type=argument(int, validation.LIMITS["max_length"]),
        metavar="N",
        help="default: the suite's, or what the model can read",
    )
    parser.add_argument(
        "--samples", type=COUNT, metavar="N", help="examples to measure (default: 10000)"
    )
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="also draw it, as a page; of a suite, one a plan"
    )
    add_python(parser)
    add_store(parser)
    add_settings(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what each strategy costs, and which to use."""
    arguments.suites = [arguments.data] if _is_suite(arguments.data) else []
    plans: list[CollationPlan] = []
    with running(arguments, arguments.python) as runner:
        cells = [*(_declared(arguments) if arguments.suites else _named(arguments, runner))]
        for cell in cells:
            plan = _planned(runner, cell, literal=bool(arguments.max_length))
            if cell.dataset.own or arguments.suites:
                print(*([""] if plans else []), plan.title, sep="\n")
            print(*plan.lines(), sep="\n", flush=True)
            plans.append(plan)
    if arguments.html is not None:
        _draw(arguments.html, plans)
    return 0


def _is_suite(data: str) -> bool:
    """Whether data are named by a suite: a Python file, an id in one, or a folder of such files."""
    path = Path(data.partition("::")[0])
    return path.suffix == ".py" or (path.is_dir() and any(path.rglob("test_*.py")))


def _declared(arguments: argparse.Namespace) -> Iterator[Cell]:
    """A cell for each way of tokenizing that suites declare.

    Raises:
        SpecError: there is no suite, or something is said that it says.
    """
    for option in ("model", "label"):
        if getattr(arguments, option):
            raise SpecError(f"{arguments.data} is a suite, which names its {option}")
    if arguments.text:
        raise SpecError(f"{arguments.data} is a suite, which names its text columns")
    seen = set()
    for suite in collect.declarations([arguments.data]):
        for _, recipe in suite.matrix.multiply(suite.recipe):
            wanted = _sized(arguments, recipe)
            cell = Cell.of(
                name="plan",
                recipe=wanted,
                scale="full",
                device="cpu",
                root=locating.root(suite),
            )
            if wanted not in seen:
                seen.add(wanted)
                yield cell


def _sized(arguments: argparse.Namespace, recipe: Recipe) -> Recipe:
    """What decides the lengths of a recipe's examples and batches, or what is said instead."""
    length = arguments.max_length or recipe.max_length
    batch = arguments.batch_size or recipe.per_device_train_batch_size
    return Recipe(
        dataset=recipe.dataset,
        model=recipe.model,
        tokenize=recipe.tokenize,
        max_length=length,
        per_device_train_batch_size=batch,
        max_train_samples=arguments.samples or recipe.max_train_samples or _SAMPLES,
        subset_seed=recipe.subset_seed,
    )


_SAMPLES = 10_000
_BATCH = 16


def _named(arguments: argparse.Namespace, runner: Runner) -> Iterator[Cell]:
    """The cell of the rows and the model that are named.

    Raises:
        SpecError: one of them means nothing, or is missing.
        SourceError: it cannot be told which columns are the texts.
    """
    if arguments.model is None:
        raise SpecError(
            f"no model is named beside {arguments.data}",
            why="its tokenizer decides how long the examples are",
            fix="harness plan DATA MODEL, or name a suite",
        )
    folder = Path.cwd()
    root = repository.holding([repository.SUITES], folder)
    model = arguments.model
    if model not in catalog.MODELS and (folder / Path(model).expanduser()).is_dir():
        model = Model(path=str((folder / Path(model).expanduser()).absolute()))
    recipe = Recipe(
        dataset=_dataset(arguments, runner, root),
        model=model,
        max_length=arguments.max_length,
        per_device_train_batch_size=arguments.batch_size or _BATCH,
        max_train_samples=arguments.samples or _SAMPLES,
    )
    yield Cell.of(name="plan", recipe=recipe, scale="full", device="cpu", root=root)


def _is_own(data: str) -> bool:
    """Whether data are rows of the user's, rather than a name of the catalog."""
    return data not in catalog.DATASETS and (
        is_reference(data) or "/" in data or Path(data).expanduser().exists()
    )


def _dataset(arguments: argparse.Namespace, runner: Runner, root: Path) -> str | Dataset:
    """The rows that are named; looked at, to know their columns."""
    if not _is_own(arguments.data):
        return str(arguments.data)
    file = Path.cwd() / Path(arguments.data).expanduser()
    path = str(file.absolute()) if file.exists() else arguments.data
    declared = Dataset(path=path, texts=tuple(arguments.text), label=arguments.label)
    return dataset_of(path, runner.inputs.survey(declared, root))


def _planned(runner: Runner, cell: Cell, *, literal: bool) -> CollationPlan:
    """The plan of a cell, whose length is meant as it is if `literal`, whatever the scale."""
    cell = _at_scale(runner, cell)
    recipe = cell.recipe
    lengths = np.asarray(runner.lengths(cell), np.int64)
    architecture = runner.architecture(cell)
    title = f"{recipe.dataset}, {recipe.model}, batches of {recipe.per_device_train_batch_size}"
    if cell.dataset.own:
        title = f"{', '.join(cell.dataset.own.text_columns)} of {title}"
    if cell.is_made:  # the rows are the user's own, and so is what a stand-in stands for
        architecture = cell.model.architecture or architecture
        limit = recipe.max_length or cell.model.limit or catalog.positions(architecture)
    else:
        if cell.scale == "tiny":
            title += ", embedded stand-ins"
            recipe = recipe if literal else catalog.tiny(recipe)
        limit = recipe.length(catalog.positions(architecture))
    return CollationPlan.of(
        title,
        lengths,
        batch_size=recipe.per_device_train_batch_size,
        max_length=limit,
        hidden=catalog.width(architecture),
    )


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
        tiny = replace(cell, scale="tiny")
        runner.inputs.find_tokens(tiny)  # where the rows are nowhere, it says so
        if tiny.is_made:
            print(
                f"{error.what}: what follows is by a stand-in's tokenizer, which learnt the rows'"
            )
            print("words; the model's own cuts rare ones into more tokens")
        else:
            print(f"{error.what}: what follows is of the embedded stand-ins, a quarter as long")
        print("for the real lengths, give --harness-sources DIR, or go online\n", flush=True)
        return tiny
    return cell


def _draw(file: Path, plans: list[CollationPlan]) -> None:
    """Write a page for each plan; the first has the name that is given, the others a number."""
    from harness.judge.reports import benchmark_page, files

    names = [
        file.name,
        *(f"{file.stem}-{number}{file.suffix}" for number in range(2, 1 + len(plans))),
    ]
    pages = {
        name: benchmark_page.plan(plan.title, plan.forecasts, plan.max_length)
        for name, plan in zip(names, plans, strict=True)
    }
    files.write(file.parent, pages)

"""`harness shrink`: a model's tiny stand-in, written to be committed beside the suites."""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

from harness.core.dataset import TASKS, Dataset
from harness.core.errors import MisfitError, SpecError, StoreError
from harness.core.job import LoadJob
from harness.core.model import Model
from harness.judge import catalog
from harness.judge.cli.options import Commands, add_python, add_settings, add_store, running
from harness.judge.limits import Limits, argument
from harness.judge.runs import rows, stand_ins
from harness.judge.runs.runner import Runner


def add(commands: Commands) -> None:
    """Declare the command's options."""
    parser = commands.add_parser(
        "shrink", help="write a tiny stand-in of a model, for the tiny scale, to commit"
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a folder, a repository of the Hub, a name of the catalog, or the fields of a "
        'configuration as JSON, such as {"model_type": "roberta"}',
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder that is made"
    )
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="FILE",
        help="rows whose words its tokenizer learns, as a Dataset's path; may be given several "
        "times (default: the model's own vocabulary)",
    )
    parser.add_argument(
        "--texts",
        action="append",
        default=[],
        metavar="COLUMN",
        help="column of their texts; may be given several times (default: all that hold any)",
    )
    parser.add_argument(
        "--task",
        type=argument(str, Limits(choices=TASKS)),
        default=TASKS[0],
        metavar="TASK",
        help=f"whose head is tried: {', '.join(TASKS)} (default: {TASKS[0]})",
    )
    add_python(parser, "interpreter whose transformers makes it")
    add_store(parser)
    add_settings(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the stand-in, and say what differs from the original and how to use it.

    Raises:
        SpecError: the model or a file means nothing.
        StoreError: the folder is there already, or cannot be written.
    """
    model = catalog.model(_declared(arguments.model), Path.cwd())
    if arguments.out.exists():
        raise StoreError(f"{arguments.out} is there already", fix="name a folder that is not")
    with running(arguments, arguments.python) as runner:
        corpus = _corpus(runner, arguments.data, tuple(arguments.texts))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            runner.inputs.shrink(model, corpus, arguments.task, folder)
            difference = stand_ins.differences(folder)
            try:
                shutil.copytree(folder, arguments.out)
            except OSError as error:
                shutil.rmtree(arguments.out, ignore_errors=True)
                raise StoreError(
                    f"{arguments.out} cannot be written", why=error.strerror or str(error)
                ) from None
    print(f"{arguments.out}: {difference}")
    print(f"commit it, and use it as Model(path={str(arguments.out)!r})")
    return 0


def _declared(text: str) -> str | Model:
    """The model that is named: a configuration, a folder, or a name as a recipe's.

    Raises:
        MisfitError: it begins like a configuration, and is none.
    """
    if text.lstrip().startswith("{"):
        try:
            return Model(config=json.loads(text))
        except ValueError as error:
            raise MisfitError(
                f"{text} is no JSON: {error}", fix='write it as {"model_type": "roberta"}'
            ) from None
    return Model(path=text) if Path(text).expanduser().exists() else text


def _corpus(runner: Runner, paths: list[str], texts: tuple[str, ...]) -> LoadJob | None:
    """The rows that a tokenizer learns from; None without any.

    Raises:
        SpecError: files of several kinds are given.
    """
    if not paths:
        return None
    dataset = Dataset(path=paths[0], texts=texts)
    if len(paths) == 1:
        files = rows.locate(dataset, Path.cwd(), hub=runner.inputs.sources.hub).files
        return LoadJob(dataset=dataset, files=files, root=str(Path.cwd()), limits={})
    if len({Path(path).suffix for path in paths}) > 1:
        raise SpecError(
            f"--data names files of several kinds: {', '.join(paths)}", fix="give those of one kind"
        )
    located = [rows.locate(Dataset(path=path), Path.cwd(), hub=False).files for path in paths]
    files = {"train": tuple(file for part in located for named in part.values() for file in named)}
    return LoadJob(dataset=dataset, files=files, root=str(Path.cwd()), limits={})

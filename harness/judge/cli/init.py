"""`harness init`: a first suite for rows of one's own, written by looking at them."""

import argparse
import os
from pathlib import Path

from harness.core.dataset import Dataset
from harness.core.errors import MissingSourceError, SpecError
from harness.core.model import Model
from harness.core.survey import Survey
from harness.judge import catalog, repository
from harness.judge.cli.options import Commands, add_python, add_store, running
from harness.judge.outlet import write
from harness.judge.runs.originals import Originals
from harness.judge.runs.sources import hub_is_offline
from harness.judge.suite.draft import Draft

_DEFAULTS = {"causal_lm": Model(config={"model_type": "gpt2"})}
_DEFAULT = "bert-base-uncased"
_LEAST = 2
"""Letters of the shortest model type that a name is searched for."""


def add(commands: Commands) -> None:
    """Declare the command's options."""
    what = "write a first suite for a file of your own, by looking at it"
    parser = commands.add_parser("init", help=what, description=what)
    parser.add_argument(
        "data",
        metavar="DATA",
        help="CSV, TSV, JSON, Parquet, Arrow or text file; a folder of them, or one that "
        "save_to_disk wrote; a Hub repository; or module:function",
    )
    parser.add_argument(
        "--model",
        metavar="NAME",
        help=f"what is fine-tuned: a folder, a Hub repository, or {', '.join(catalog.MODELS)} "
        f"(default: {_DEFAULT}, or one of GPT-2's kind where there are no labels)",
    )
    parser.add_argument(
        "--text",
        action="append",
        default=[],
        metavar="COLUMN",
        help="of the texts, where the survey errs; may be given twice",
    )
    parser.add_argument("--label", metavar="COLUMN", help="of the labels, likewise")
    add_python(parser)
    add_store(parser)
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Look at the rows, write the suite, and say what to run next."""
    folder = Path.cwd()
    root = repository.holding([repository.SUITES], folder)
    path = _from(root, folder, options.data)
    dataset = Dataset(path=path, texts=tuple(options.text), label=options.label)
    with running(options, options.python) as runner:
        survey = runner.inputs.survey(dataset, root)
    model, remark = _model(options.model, survey, root)
    draft = Draft(path=path, survey=survey, model=model, remark=remark)
    file = root / repository.SUITES / f"test_{draft.name}.py"
    if file.exists():
        raise SpecError(
            f"{_shown(file, folder)} is there already",
            fix="edit it, or move it away: nothing is overwritten",
        )
    file.parent.mkdir(exist_ok=True)
    write(file, draft.text())
    print(f"{path}: {draft.survey.task}")
    for note in survey.notes:
        print(f"  {note}")
    if remark:
        print(f"  {remark}")
    print(f"written: {_shown(file, folder)}. Look at it, then run")
    print(f"  pytest {_shown(file, folder)}")
    print("and before an upgrade, with the version that it brings,")
    print(f"  harness gate transformers==VERSION --suites {_shown(file, folder)}")
    return 0


def _from(root: Path, folder: Path, data: str) -> str:
    """A path that is given from a folder, as a suite has it: from the repository on."""
    path = folder / Path(data).expanduser()
    if not path.exists():
        return data
    path = Path(os.path.normpath(path))
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _shown(file: Path, folder: Path) -> str:
    """A file as a command in a folder names it."""
    return os.path.relpath(file, folder)


def _model(name: str | None, survey: Survey, root: Path) -> tuple[str | Model, str]:
    """The model of a name, as a recipe has it; and a remark where it is nowhere.

    At the tiny scale, a configuration of its type is all that is needed of it.
    """
    if name is None:
        return _DEFAULTS.get(survey.task, _DEFAULT), ""
    if name in catalog.MODELS:
        return name, ""
    named = _from(root, Path.cwd(), name)
    own = Model(path=named)
    source = catalog.model(own, root)
    try:
        Originals(folders=(), hub=not hub_is_offline()).find(source, own, whole=False)
    except MissingSourceError:
        kind = _kind(name, survey.model_types)
        if kind is None:
            return own, (
                f"{name} is neither here nor at the Hub: correct it, name a folder, or say of "
                "which type it is: Model(config={'model_type': …})"
            )
        return Model(config={"model_type": kind}), (
            f"{name} is neither here nor at the Hub; its name says {kind}, of which tests make a "
            f"small one. Write Model(path={name!r}) where it can be had."
        )
    return (named, "") if "/" in named and not (root / named).exists() else (own, "")


def _kind(name: str, known: tuple[str, ...]) -> str | None:
    """The model type that a name says, if it says one: the longest that is in it."""
    bare = _bare(name).replace("debertav3", "debertav2")  # both are of one type
    inside = [kind for kind in known if len(kind) > _LEAST and _bare(kind) in bare]
    return max(inside, key=len) if inside else None


def _bare(name: str) -> str:
    """A name's letters and digits."""
    return "".join(filter(str.isalnum, name.lower()))

"""The job: what the judging tower asks of a worker, as plain JSON.

Every path in it is absolute and local: finding and fetching is the judging tower's business. What
a record says of where it came from is added there too, so that a worker writes nothing that it was
only handed.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from harness.core import serial
from harness.core.collation import Collation
from harness.core.dataset import Dataset, Task
from harness.core.recipe import Loop, Recipe
from harness.core.schema import Schema

Kind = Literal["train", "try", "tokenize", "measure", "collate", "time", "pace"]


class _Asked:
    """Base of what a worker is asked: plain JSON, there and back."""

    __slots__ = ()

    def to_json(self) -> dict[str, Any]:
        """The job as JSON types."""
        return asdict(self)  # type: ignore[call-overload,no-any-return] # a dataclass

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The job that `to_json` wrote."""
        job: Self = serial.decode(cls, values)
        return job


@dataclass(frozen=True, kw_only=True, slots=True)
class Job(_Asked):
    """One thing for a worker to do.

    Attributes:
        kind: `train` a recipe into a record; `try` its variations; `tokenize` it in one process
            and in several, and compare; `measure` how long its examples are; or stay alive, and
            answer requests: `collate` examples, train the recipe anew and `time` it, or `pace`
            batches of any lengths.
        recipe: what to run.
        collation: of the recipe, resolved.
        loop: likewise.
        device: `cpu` or `cuda`.
        threads: of torch's CPU operators.
        data_files: parquet files by split: `train`, `evaluation` and, if there is one, `holdout`.
        schema: of those files.
        model: folder of the checkpoint; of a tokenizer alone where only `architecture` counts.
        tokenizer_folder: folder of the tokenizer.
        architecture: the model's configuration, for one with random weights.
        metrics: folders of metric modules by name.
        f1_average: of a plain `f1` metric.
        output: existing folder that receives the record or the trials.
        scratch: existing folder for everything else; removed by the judging tower.
        variations: those to try, by name.
        fault: a Python file to run in the worker first, to prove what would be noticed.
        root: of the repository that code of the user is imported from.
    """

    kind: Kind
    recipe: Recipe
    collation: Collation
    loop: Loop
    device: str
    threads: int
    data_files: Mapping[str, tuple[str, ...]]
    schema: Schema
    model: str
    tokenizer_folder: str
    architecture: Mapping[str, Any]
    metrics: Mapping[str, str]
    f1_average: str
    output: str
    scratch: str
    variations: tuple[str, ...] = ()
    fault: str | None = None
    root: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadJob(_Asked):
    """Rows for a worker to read, and to write as tables.

    Attributes:
        dataset: as declared.
        files: by the source's split; those of the only one under an empty name.
        root: of the repository that a function of the user is imported from.
        limits: rows that are kept of each split; all where it names none.
        output: existing folder that receives the tables.
        scratch: existing folder for everything else; removed by the judging tower.
        kind: `load` them; or `survey` what they seem to be, and write nothing.
    """

    dataset: Dataset
    files: Mapping[str, tuple[str, ...]]
    root: str
    limits: Mapping[str, int]
    output: str = ""
    scratch: str = ""
    kind: Literal["load", "survey"] = "load"


@dataclass(frozen=True, kw_only=True, slots=True)
class ShrinkJob(_Asked):
    """A model for a worker to make a tiny one of.

    Attributes:
        name: of the model, for messages.
        config: fields of its configuration; those of `original` if empty.
        original: its folder, of which no weights are read; empty if there is none.
        tokenizer: folder of its tokenizer, where that is another; empty if not.
        tokenizer_options: of its type's tokenizer class, where there is no folder.
        rows: whose texts the tokenizer may learn from; None if there are none.
        task: whose head is tried.
        output: existing folder that receives the checkpoint.
        scratch: existing folder for everything else; removed by the judging tower.
        kind: tells it from a `Job`.
    """

    name: str
    config: Mapping[str, Any]
    original: str = ""
    tokenizer: str = ""
    tokenizer_options: Mapping[str, Any]
    rows: LoadJob | None
    task: Task
    output: str = ""
    scratch: str = ""
    kind: Literal["shrink"] = "shrink"

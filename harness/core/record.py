"""The record: what one run leaves behind. Everything else is computed from records.

A worker writes what it observed; the judging tower completes it with what it had handed to the
worker, and with where that came from. On disk both are one folder, see `harness.core.observed`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from harness.core import collation, digest, environment, questions, serial
from harness.core.collation import Collation
from harness.core.dataset import Task
from harness.core.observed import FILE, LINES, Observed
from harness.core.recipe import Recipe
from harness.core.record_parts import Batch, Evaluation
from harness.core.stored_arrays import StoredArrays

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VERSION = 3

EARLIER_COMPARED = ("accuracy",)
"""Metrics that are compared of records that do not name them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record(Observed):
    """What one run leaves behind: what was observed, and of what.

    Attributes:
        version: of this format.
        recipe: what was run.
        scale: `tiny` or `full`.
        device: `cpu` or `cuda`.
        inputs: where data set, model and metrics came from, with the digests of their bytes.
        environment: what was judged; see `harness.core.environment`.
        task: what is learnt.
        made: whether a stand-in was made for it, whose metrics say little of the original's.
        label_names: of the data set, in the order of their ids.
        ceiling: best possible metrics of the evaluated split, where they are known.
        collation: of the recipe, resolved.
        metric_names: that the data set's modules report, and the loss; none in earlier versions.
        compared_metrics: those that nights and the gate compare; accuracy in earlier versions.
        f1_average: of a plain `f1` metric; empty in earlier versions.
    """

    version: int = VERSION
    recipe: Recipe
    scale: str
    device: str
    inputs: Mapping[str, Any]
    environment: Mapping[str, Any]
    label_names: tuple[str, ...]
    ceiling: Mapping[str, float]
    collation: Collation
    metric_names: tuple[str, ...] = ()
    compared_metrics: tuple[str, ...] = EARLIER_COMPARED
    f1_average: str = ""
    task: Task = "single_label_classification"
    made: bool = False

    def answer(self, name: str) -> Any:
        """A field that was examined after training.

        Raises:
            CrashError: asking did not end well.
        """
        return questions.answer(self, self.errors, name)

    def metric_check(self, name: str) -> Any:
        """One of `metric_checks`.

        Raises:
            CrashError: asking did not end well.
        """
        questions.check(self.errors, name)
        return self.metric_checks[name]

    def evaluation(self, name: str = "final") -> Evaluation:
        """The evaluation of that name."""
        return next(part for part in self.evaluations if part.name == name)

    def correctness(self) -> "tuple[NDArray[np.uint64], NDArray[np.float64]]":
        """Names of the evaluated examples, sorted, and whether each was predicted right.

        Both empty where an example is not simply right or wrong; and where the model saw more or
        fewer examples than were predicted: whose prediction is whose is then anybody's guess.
        """
        import numpy as np

        rows: NDArray[np.uint64] = np.asarray(self.arrays["final.rows"], np.uint64)
        predictions: Any = self.arrays["final.predictions"]
        if self.task != "single_label_classification" or len(predictions) != len(rows):
            return rows[:0], np.empty(0)
        order = np.argsort(rows, kind="stable")
        predicted = predictions.argmax(axis=-1)
        right = np.asarray(predicted == self.arrays["final.labels"], np.float64)
        return rows[order], right[order]

    @property
    def series(self) -> str:
        """Digest of what repetitions share: all that decides a run but its seed."""
        return series_of(self.recipe, self.scale, self.device, self.inputs)

    @property
    def device_class(self) -> str:
        """The kind of machine that its figures can be compared within."""
        return environment.device_class(self.environment, self.device)

    @property
    def stages(self) -> dict[str, list[Batch]]:
        """The batches of training (`train`) and of each evaluation, in order."""
        stages: dict[str, list[Batch]] = {}
        for batch in self.batches:
            stages.setdefault(batch.stage, []).append(batch)
        return stages

    def batches_of(self, stage: str) -> tuple[Batch, ...]:
        """The batches of training (`train`) or of an evaluation, in order."""
        return tuple(batch for batch in self.batches if batch.stage == stage)

    @property
    def samples_per_second(self) -> float:
        """Training examples a second of the steps' own time."""
        return sum(step.examples for step in self.steps) / self._step_seconds

    @property
    def tokens_per_second(self) -> float:
        """Real tokens, padding left out, a second of the steps' own time."""
        return sum(step.real_tokens for step in self.steps) / self._step_seconds

    @property
    def padding(self) -> float:
        """Share of padding among the training batches' tokens, 0 to 1."""
        padded = sum(step.padded_tokens for step in self.steps)
        return 1 - sum(step.real_tokens for step in self.steps) / max(padded, 1)

    @property
    def _step_seconds(self) -> float:
        """Wall time of all steps, evaluation and saving left out."""
        return max(sum(step.seconds for step in self.steps), 1e-9)

    def with_arrays_in_memory(self) -> "Record":
        """The record, independent of the folder it was read from."""
        return replace(self, arrays=dict(self.arrays))

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """Read the record that a folder holds; arrays stay on disk until they are used."""
        values = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if "collation" not in values:  # records of version 2 name it alone
            values["collation"] = asdict(collation.parse(values["recipe"]["collation"]))
        for name in LINES:
            lines = (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
            values[name] = [json.loads(line) for line in lines]
        hints = get_type_hints(cls, localns={"Array": object})
        decoded = {
            name: serial.decode(hints[name], value)
            for name, value in values.items()
            if name in hints  # earlier records hold more
        }
        return cls(**decoded, arrays=StoredArrays(folder / "arrays"))


def complete(folder: Path, provenance: Mapping[str, Any]) -> None:
    """Add to what a worker observed the other fields of its record, by name."""
    observed = json.loads((folder / FILE).read_text(encoding="utf-8"))
    whole = {"version": VERSION, **observed, **provenance}
    text = json.dumps(whole, default=serial.plain, indent=1)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")


def series_of(recipe: Recipe, scale: str, device: str, inputs: Mapping[str, Any]) -> str:
    """See `Record.series`."""
    return digest.of_json(
        [replace(recipe, seed=0).decisive, scale, device, inputs.get("digests", {})]
    )

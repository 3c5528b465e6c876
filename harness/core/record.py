"""The record: what one run leaves behind. Everything else is a question asked of records.

On disk a record is a folder: `record.json` (one object), `steps.jsonl` and `batches.jsonl` (one
object a line), and `arrays/NAME.npy`. Losses may be NaN; Python's JSON writes and reads that.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from harness.core import digest, environment, questions, serial
from harness.core.recipe import Recipe
from harness.core.record_parts import Batch, Checkpoint, Evaluation, Example, Parameter, Step
from harness.core.stored_arrays import StoredArrays

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.generic]

VERSION = 2
_LINES = ("steps", "batches")


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What one run leaves behind: immutable.

    Attributes:
        version: of this format.
        recipe: what was run.
        scale: `tiny` or `full`.
        device: `cpu` or `cuda`.
        inputs: where data set, model and metrics came from, with the digests of their bytes.
        environment: what was judged; see `harness.core.environment`.
        arguments: the resolved `TrainingArguments`, secrets removed.
        parsed_differently: arguments that `HfArgumentParser` made of the same recipe written as
            command-line flags and that differ: name to (constructed, parsed).
        signature: parameters of the model's `forward`.
        columns: of the source (`source`) and after tokenizing (`tokenized`).
        sizes: rows by split: `train`, `evaluation`, `holdout`.
        label_names: of the data set, in the order of their ids.
        majority: share of the most frequent label in the evaluated split.
        ceiling: best possible metrics of the evaluated split, where they are known.
        tokenizer: special token ids (`cls`, `sep`, `pad`, `unk`) and `limit`; 1 if it gives token
            types, and how many its model tells apart.
        examples: the first of the training split.
        steps: every optimizer step.
        batches: every batch of training and of every evaluation, in order.
        evaluations: in order.
        parameters: every tensor of the model.
        newly_initialized: names that `from_pretrained` did not find in the checkpoint.
        unlike: names that it did find, and that were not what the checkpoint holds.
        strangers: rows by split that are in no source file, texts and label together.
        base_prefix: the model's `base_model_prefix`.
        optimizer: class name and parameter groups.
        checkpoints: those written during training, and the model in memory afterwards.
        reload: what `from_pretrained` of the saved model gave; see `harness.worker.loops.trainer`.
        state_log_equal: whether `trainer_state.json` holds the log history; None if not saved.
        files: saved at the end, relative names.
        metric_checks: metrics computed in other ways, by name; see `harness.worker.examine`. Read
            them with `metric_check`.
        loss_given: whether `outputs.loss` was there: `with_labels`, `without_labels`.
        errors: how asking ended, by the name of the field or the check, where it did not end well:
            that is then empty. Read fields that may be among them with `answer`.
        predicted_shape: of `predict` on the evaluated split.
        warnings: raised during the run, each once.
        phases: wall seconds by phase.
        peak_memory: bytes: `host`, and `device` on an accelerator.
        device_samples: NVML samples during training on CUDA; empty elsewhere.
        arrays: `train.rows`; `rows`, `predictions` and `labels` of each evaluation; and, as
            `split.NAME.rows`, of the rows of each split: their names (`rows`), those of their
            tokens alone, as cut (`texts`), `labels`, `lengths` and `unknown` tokens.
    """

    version: int = VERSION
    recipe: Recipe
    scale: str
    device: str
    inputs: Mapping[str, Any]
    environment: Mapping[str, Any]
    arguments: Mapping[str, Any]
    parsed_differently: Mapping[str, tuple[str, ...]]
    signature: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    sizes: Mapping[str, int]
    label_names: tuple[str, ...]
    majority: float
    ceiling: Mapping[str, float]
    tokenizer: Mapping[str, int]
    examples: tuple[Example, ...]
    steps: tuple[Step, ...]
    batches: tuple[Batch, ...]
    evaluations: tuple[Evaluation, ...]
    parameters: tuple[Parameter, ...]
    newly_initialized: tuple[str, ...]
    unlike: tuple[str, ...]
    strangers: Mapping[str, int]
    base_prefix: str
    optimizer: Mapping[str, Any]
    checkpoints: tuple[Checkpoint, ...]
    reload: Mapping[str, Any]
    state_log_equal: bool | None
    files: tuple[str, ...]
    metric_checks: Mapping[str, Any]
    loss_given: Mapping[str, bool]
    predicted_shape: tuple[int, ...]
    warnings: tuple[str, ...]
    phases: Mapping[str, float]
    peak_memory: Mapping[str, int]
    device_samples: tuple[Mapping[str, float], ...]
    arrays: "Mapping[str, Array]"
    errors: Mapping[str, str] = field(default_factory=dict)

    def answer(self, name: str) -> Any:
        """A field that was asked for after training.

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
        return next(found for found in self.evaluations if found.name == name)

    def correctness(self) -> "tuple[NDArray[np.uint64], NDArray[np.float64]]":
        """Names of the evaluated examples, sorted, and whether each was predicted right.

        Both empty where the model saw more or fewer examples than were predicted: whose prediction
        is whose is then anybody's guess.
        """
        import numpy as np

        rows: NDArray[np.uint64] = np.asarray(self.arrays["final.rows"], np.uint64)
        order = np.argsort(rows, kind="stable")
        predictions: Any = self.arrays["final.predictions"]
        predicted = predictions.argmax(axis=-1)
        if len(predicted) != len(rows):
            return rows[:0], np.empty(0)
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

    def write(self, folder: Path) -> None:
        """Write the record into an existing folder."""
        import numpy as np

        whole = {item.name: getattr(self, item.name) for item in fields(self)}
        arrays = whole.pop("arrays")
        for name in _LINES:
            lines = (json.dumps(asdict(item)) for item in whole.pop(name))
            (folder / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines))
        plain = json.dumps(whole, default=serial.plain, indent=1)
        (folder / "record.json").write_text(plain + "\n", encoding="utf-8")
        (folder / "arrays").mkdir(exist_ok=True)
        for name, array in arrays.items():
            np.save(folder / "arrays" / f"{name}.npy", array, allow_pickle=False)

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """Read the record that a folder holds; arrays stay on disk until asked for."""
        values = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        for name in _LINES:
            lines = (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
            values[name] = [json.loads(line) for line in lines]
        hints = get_type_hints(cls, localns={"Array": object})
        decoded = {name: serial.decode(hints[name], value) for name, value in values.items()}
        return cls(**decoded, arrays=StoredArrays(folder / "arrays"))


def series_of(recipe: Recipe, scale: str, device: str, inputs: Mapping[str, Any]) -> str:
    """See `Record.series`."""
    return digest.of_json(
        [asdict(replace(recipe, seed=0)), scale, device, inputs.get("digests", {})]
    )

"""What a worker observed of one run: the part of a record that it writes.

On disk this is a folder: `record.json` (one object), `steps.jsonl` and `batches.jsonl` (one object
a line), and `arrays/NAME.npy`. Losses may be NaN; Python's JSON writes and reads that.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core import serial
from harness.core.record_parts import Batch, Checkpoint, Evaluation, Example, Parameter, Step
from harness.core.trainer_arguments import Effect

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.generic]

FILE = "record.json"
LINES = ("steps", "batches")
"""Fields that have a file of their own, with one object a line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """What a worker saw while a run prepared, trained and was examined: immutable.

    Attributes:
        arguments: the resolved `TrainingArguments`, secrets removed.
        parsed_differently: arguments that `HfArgumentParser` made of the same recipe written as
            command-line flags and that differ: name to (constructed, parsed).
        signature: parameters of the model's `forward`.
        columns: of the source (`source`) and after tokenizing (`tokenized`).
        sizes: rows by split: `train`, `evaluation`, `holdout`.
        tokenizer: special token ids (`cls`, `sep`, `pad`, `unk`) and `limit`; 1 if it gives token
            types, and how many its model tells apart; 1 if it pads on the left,
            if it has no padding token, so that its end of sequence pads, and if its model has a
            row for every position.
        examples: some of the training split, evenly spread.
        steps: every optimizer step.
        batches: every batch of training and of every evaluation, in order.
        evaluations: in order.
        parameters: every tensor of the model.
        newly_initialized: names that `from_pretrained` did not find in the checkpoint.
        held_head: names outside the encoder that the checkpoint holds; none in earlier records.
        unlike: names that it did find, and that were not what the checkpoint holds.
        strangers: rows by split that are in no source file, texts and label together.
        base_prefix: the model's `base_model_prefix`.
        model_type: of its configuration; empty in earlier versions.
        divides_loss: whether it divides its loss by the number that the Trainer hands it.
        optimizer: class name and parameter groups.
        checkpoints: those written during training, and the model in memory afterwards.
        reload: what `from_pretrained` of the saved model gave; see `harness.worker.probe`.
        adapters: what saving and merging adapters gave; see `harness.worker.probe`; empty if there
            are none.
        state_log_equal: whether `trainer_state.json` holds the log history; None if not saved.
        files: saved at the end, relative names.
        metric_checks: metrics computed in other ways, by name; see `harness.worker.examine`. Read
            them with `metric_check`.
        loss_given: whether `outputs.loss` was there: `with_labels`, `without_labels`.
        predicted_shape: of `predict` on the evaluated split.
        warnings: raised during the run, each once.
        phases: wall seconds by phase.
        peak_memory: bytes: `host`, and `device` on an accelerator.
        device_samples: NVML samples during training on CUDA; empty elsewhere.
        arrays: `train.rows`; `rows`, `predictions`, `labels` and their `codes` of each
            evaluation; and, as `split.NAME.rows`, of the rows of each split: their names (`rows`),
            those of their tokens alone, as cut (`texts`), codes of their `labels`, `lengths` and
            `unknown` tokens; and all ids of their labels (`classes`), where they are classes.
        overrides: what a user's Trainer does in a way of its own, by the name of its method, and
            what each may change.
        errors: how asking ended, by the name of the field or the check, where it did not end well:
            that is then empty. Read fields that may be among them with `answer`.
    """

    arguments: Mapping[str, Any]
    parsed_differently: Mapping[str, tuple[str, ...]]
    signature: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    sizes: Mapping[str, int]
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
    held_head: tuple[str, ...] = ()
    adapters: Mapping[str, Any] = field(default_factory=dict)
    model_type: str = ""
    divides_loss: bool = False
    overrides: Mapping[str, tuple[Effect, ...]] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write all that is known into an existing folder."""
        import numpy as np

        whole = {item.name: getattr(self, item.name) for item in fields(self)}
        arrays = whole.pop("arrays")
        for name in LINES:
            lines = (json.dumps(asdict(item)) for item in whole.pop(name))
            (folder / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines))
        plain = json.dumps(whole, default=serial.plain, indent=1)
        (folder / FILE).write_text(plain + "\n", encoding="utf-8")
        (folder / "arrays").mkdir(exist_ok=True)
        for name, array in arrays.items():
            np.save(folder / "arrays" / f"{name}.npy", array, allow_pickle=False)

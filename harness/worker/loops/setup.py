"""What a loop is given to train, and what it hands back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.collation import Collation
from harness.core.recipe import Loop, Recipe
from harness.core.trainer_arguments import Effect
from harness.worker.adapters import taken
from harness.worker.metric_modules import MetricModules
from harness.worker.objective import Objective


@dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """Everything a loop needs, ready to train.

    Attributes:
        recipe: what to run.
        loop: who drives the steps.
        device: `cpu` or `cuda`.
        arguments: the resolved `TrainingArguments`.
        model: fresh from `from_pretrained`.
        objective: of its task.
        tokenizer: its tokenizer.
        strategy: how examples become batches.
        collator: features in, batch out.
        splits: tokenized `train`, `evaluation` and, if the recipe has one, `holdout`.
        root: of the repository that the user's functions are imported from.
        stream: of the training examples, where they are not to be had at once.
        metrics: of the data set.
        saved: where `save_model` writes.
        orders: indices of a split's examples in the order in which they are evaluated, where that
            is not their own.
        resume_from: the checkpoint of an interrupted run to go on from; None to begin.
    """

    recipe: Recipe
    loop: Loop
    device: str
    arguments: Any
    model: Any
    objective: Objective
    tokenizer: Any
    strategy: Collation
    collator: Any
    splits: Mapping[str, Any]
    metrics: MetricModules
    saved: Path
    orders: Mapping[str, npt.NDArray[np.int64]] = field(default_factory=dict)
    resume_from: Path | None = None
    root: str = ""
    stream: Any = None

    @property
    def output(self) -> Path:
        """Where checkpoints and `trainer_state.json` go."""
        return Path(self.arguments.output_dir)

    def checkpoints(self) -> list[Path]:
        """Folders of the checkpoints written so far, the earliest first."""
        return sorted(self.output.glob("checkpoint-*"), key=step_of)

    def columns(self, names: Iterable[str]) -> list[str]:
        """Those columns that the model takes, and the label by whatever name."""
        known = {*taken(self.model), "label", "label_ids"}
        return [name for name in names if name in known]

    def inputs(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """What the model receives of a batch; no labels if its own loss is not the one."""
        withheld = {"labels"} if self.recipe.withholds_labels else set()
        return {name: tensor for name, tensor in batch.items() if name not in withheld}


def step_of(folder: Path) -> int:
    """The step after which the checkpoint `checkpoint-STEP` was written."""
    return int(folder.name.rpartition("-")[2])


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopResult:
    """What a loop hands back besides what the watch saw.

    Attributes:
        optimizer: the optimizer after training.
        log_history: the loop's own log, as `save_state` should write it.
        predicted_shape: of what predicting the evaluated split returned.
        phases: wall seconds of `train`, `predict`, `holdout` and `save`.
        overrides: what a user's Trainer does in a way of its own, and what each may change.
    """

    optimizer: Any
    log_history: list[dict[str, Any]]
    predicted_shape: tuple[int, ...]
    phases: Mapping[str, float]
    overrides: Mapping[str, tuple[Effect, ...]] = field(default_factory=dict)

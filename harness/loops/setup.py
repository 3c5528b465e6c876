"""What a loop is given to train, and what it hands back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.spec import Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """Everything a loop needs, ready to train.

    Attributes:
        recipe: what to run.
        arguments: the resolved `TrainingArguments`.
        model: the classifier, fresh from `from_pretrained`.
        tokenizer: its tokenizer.
        collator: features in, batch out.
        splits: tokenized `train`, `evaluation` and, if the recipe has one, `holdout`.
        compute_metrics: from label ids (predictions, references) to named floats.
        saved: where `save_model` and `save_state` write.
    """

    recipe: Recipe
    arguments: Any
    model: Any
    tokenizer: Any
    collator: Any
    splits: Mapping[str, Any]
    compute_metrics: Callable[[Any, Any], dict[str, float]]
    saved: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a loop hands back besides what the watch saw.

    Attributes:
        optimizer: the optimizer after training.
        log_history: the loop's own log, as `save_state` should write it.
        predicted_shape: of what predicting the evaluated split returned.
        phases: wall seconds of `train`, `predict`, `holdout` and `save`.
    """

    optimizer: Any
    log_history: list[dict[str, Any]]
    predicted_shape: tuple[int, ...]
    phases: Mapping[str, float]

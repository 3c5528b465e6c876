"""The bridge over library versions: the one place that knows transformers 4.57 from 5.

Recipes speak the newest names. Here they become those of the installed version.
"""

import inspect
from dataclasses import asdict
from typing import Any

import torch
import transformers
from packaging.version import Version

from harness.core.errors import RunError, UnsupportedError
from harness.core.recipe import OUR_FIELDS, Recipe
from harness.core.trainer_arguments import RENAMED


def argument_values(recipe: Recipe, *, output_dir: str, device: str) -> dict[str, Any]:
    """Keyword arguments for the installed `TrainingArguments`.

    Every step is logged and no loss is filtered: a NaN must be seen, not averaged away.

    Raises:
        RunError: the installed version lacks an argument that the recipe needs.
    """
    values = {name: value for name, value in asdict(recipe).items() if name not in OUR_FIELDS}
    values |= {name: _listed(value) for name, value in recipe.arguments.items()}
    values |= {
        "output_dir": output_dir,
        "use_cpu": device == "cpu",
        "fp16": recipe.fp16 and device != "cpu",
        "dataloader_pin_memory": recipe.dataloader_pin_memory and device != "cpu",
        "logging_strategy": "steps",
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "report_to": "none",
        "disable_tqdm": True,
    }
    accepted = inspect.signature(transformers.TrainingArguments).parameters
    if "warmup_ratio" in accepted:  # 4.x keeps the share apart, and its steps are whole numbers
        steps = values["warmup_steps"]
        values["warmup_ratio"] = steps if steps < 1 else 0.0
        values["warmup_steps"] = int(steps) if steps >= 1 else 0
    for older, newest in RENAMED.items():
        if newest in values and newest not in accepted:
            values[older] = values.pop(newest)
    if "logging_dir" in accepted:  # 4.x names it by the clock, so that no two are equal
        values["logging_dir"] = f"{output_dir}/logs"
    missing = sorted(set(values) - set(accepted))
    if missing:
        raise RunError(
            f"transformers {transformers.__version__} has no TrainingArguments field "
            f"{', '.join(missing)}",
            why="the recipe needs it",
            fix="leave it out, or judge a version that has it, of those from 4.57 to below 6",
        )
    return values


def _listed(value: Any) -> Any:
    """A value as the library declares it: its lists are no tuples."""
    return list(value) if isinstance(value, tuple) else value


def checkpoint_activations(model: Any) -> None:
    """Have a model compute activations again in the backward pass rather than keep them.

    Raises:
        UnsupportedError: the judged version has no way for a model of its kind.
    """
    require_checkpointing(model)
    newest = getattr(model, "activation_checkpointing_enable", None)
    (newest or model.gradient_checkpointing_enable)({"use_reentrant": False})


def require_checkpointing(model: Any) -> None:
    """Refuse a model whose kind keeps every activation.

    Raises:
        UnsupportedError: it is one.
    """
    if not getattr(model, "supports_gradient_checkpointing", True):
        raise UnsupportedError(
            f"{type(model).__name__} cannot compute activations again",
            why=f"transformers {transformers.__version__} offers it for other models alone",
            fix="train without activation_checkpointing",
        )


def block_mask(together: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """The mask of positions that may see each other, as an encoder takes one ready made.

    Args:
        together: (rows, positions, positions) bool.
        dtype: of the model.
    """
    if Version(transformers.__version__) < Version("5"):
        return together.to(dtype)  # 4.x turns it into scores itself
    lowest = torch.finfo(dtype).min
    return torch.zeros(together.shape, dtype=dtype, device=together.device).masked_fill(
        ~together, lowest
    )[:, None]


def grouped_by_length() -> dict[str, Any]:
    """The argument that has batches drawn from examples of like lengths."""
    if "train_sampling_strategy" in inspect.signature(transformers.TrainingArguments).parameters:
        return {"train_sampling_strategy": "group_by_length"}
    return {"group_by_length": True}  # 4.x

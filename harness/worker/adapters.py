"""Adapters: a model whose own weights rest while small additions to it train, by `peft`.

Peft wraps a model and renames its parts. Here a part keeps the name that it has in the model
itself, so that what is recorded of it is what is recorded of any other.
"""

import copy
import dataclasses
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from harness.core import peft_methods
from harness.core.errors import RunError, unknown
from harness.worker import models
from harness.worker.objective import Objective

FILE = "adapter_model.safetensors"
CONFIG = "adapter_config.json"

_TASKS = {
    "SequenceClassification": "SEQ_CLS",
    "TokenClassification": "TOKEN_CLS",
    "CausalLM": "CAUSAL_LM",
}
"""Peft's names of what a head does."""

_WRAPPING = re.compile(r"^base_model\.(model\.)?|base_layer\.|modules_to_save\.default\.")
"""Parts of a name that say how peft wraps what has it."""

_COPY = "original_module."
"""The head as it was: peft keeps it beside the one that trains."""


def adapted(model: Any, objective: Objective, options: Mapping[str, Any] | None) -> Any:
    """A model with the adapters that a recipe declares; as it is if it declares none.

    Args:
        model: as it was loaded; it is changed.
        objective: of its task.
        options: in the words of the method's configuration, and `peft_type`, its name.

    Raises:
        RunError: the judged environment has no peft, or its method takes no such options.
    """
    if options is None:
        return model
    peft = _peft()
    kind = str(options.get("peft_type", peft_methods.DEFAULT))
    if kind not in peft.PEFT_TYPE_TO_CONFIG_MAPPING:
        known = [name for name in peft.PeftType if name in peft.PEFT_TYPE_TO_CONFIG_MAPPING]
        error = unknown("peft_type", kind, [str(name.value) for name in known])
        raise RunError(error.what, why=f"of peft {peft.__version__}", fix=error.fix)
    config = peft.PEFT_TYPE_TO_CONFIG_MAPPING[kind]
    given = _own(options)
    fields = [field.name for field in dataclasses.fields(config)]
    for name in given:
        if name not in fields:
            error = unknown(f"option of {config.__name__}", name, fields)
            raise RunError(error.what, why=f"of peft {peft.__version__}", fix=error.fix)
    given["task_type"] = _TASKS[objective.head]
    try:
        return peft.get_peft_model(model, config(**given))
    except (TypeError, ValueError) as error:
        raise RunError(
            f"{config.__name__}({given}) does not fit {type(model).__name__}",
            why=f"peft {peft.__version__} says {str(error).splitlines()[0]}",
            fix="name other target_modules, or another peft_type",
        ) from error


def _peft() -> Any:
    """The package, imported where a recipe needs it.

    Raises:
        RunError: it is not installed.
    """
    try:
        return import_module("peft")
    except ImportError as error:
        raise RunError(
            "the judged environment has no peft, which the recipe's adapters need",
            why=str(error),
            fix="pip install peft",
        ) from error


def _own(options: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration's options; copies, for peft adds to lists that it is given."""
    return {
        name: copy.deepcopy(dict(value) if isinstance(value, dict) else value)
        for name, value in options.items()
        if name != "peft_type"
    }


def core(model: Any) -> Any:
    """The model itself, without what adapters wrap it in."""
    return model.get_base_model() if is_adapted(model) else model


def taken(model: Any) -> tuple[str, ...]:
    """Names of what a model itself takes in a call."""
    return tuple(inspect.signature(core(model).forward).parameters)


def is_adapted(model: Any) -> bool:
    """Whether a model has adapters."""
    return hasattr(model, "peft_config")


def own_name(name: str) -> str | None:
    """What a part is called in the model itself; None of the copy of a head that no longer acts."""
    if _COPY in name:
        return None
    return _WRAPPING.sub("", name).replace(".default", "")


def tensors(model: Any) -> dict[str, torch.Tensor]:
    """Every tensor of a model by its own name."""
    return dict(named(model.state_dict().items()))


def named(parts: Iterable[tuple[str, torch.Tensor]]) -> Iterator[tuple[str, torch.Tensor]]:
    """Parts by their own names."""
    for name, tensor in parts:
        own = own_name(name)
        if own is not None:
            yield own, tensor


def held(model: Any) -> Mapping[str, torch.Tensor]:
    """What saving a model writes: all of it, or its adapters and its head."""
    if not is_adapted(model):
        return models.untied(model)
    saved: Mapping[str, torch.Tensor] = _peft().get_peft_model_state_dict(model)
    return saved


def saved(folder: Path) -> Mapping[str, torch.Tensor]:
    """The adapters and the head that a folder holds; nothing if it holds none."""
    path = folder / FILE
    return dict(load_file(path)) if path.is_file() else {}


def put_back(model: Any, folder: Path) -> None:
    """Put the adapters and the head that a folder holds back into their model."""
    _peft().set_peft_model_state_dict(model, saved(folder))


def reloaded(model: Any, folder: Path) -> Any:
    """A freshly loaded model with the adapters and the head that a folder holds."""
    return _peft().PeftModel.from_pretrained(model, str(folder))


def merged(model: Any) -> Any | None:
    """A copy of a model with its adapters merged into its weights; None if they cannot be."""
    if not hasattr(model.base_model, "merge_and_unload"):
        return None
    return copy.deepcopy(model).merge_and_unload()

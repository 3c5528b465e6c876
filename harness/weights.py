"""Weights: what a checkpoint's files promise, beside its configuration; no tensor is read."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from harness.errors import SourceError

Shapes = Mapping[str, tuple[int, ...]]

_INDICES = "_token_id"
"""Ends the names of settings that count nothing."""

_COUNTS = ("num_", "n_")
"""Begin the names of settings that are never negative; of others, -1 may mean none."""


def shapes(path: Path) -> Shapes:
    """Shapes of the tensors in a safetensors file, by name, from its header.

    Raises:
        SourceError: the file is cut off, or none.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError) as error:
        raise SourceError(
            f"{path} holds no weights that can be read",
            why=str(error).splitlines()[0],
            fix="save or download it again: it is cut off, or no safetensors file",
        ) from None


def check_sizes(config: Mapping[str, Any], shapes: Shapes, path: Path) -> None:
    """Refuse a configuration that counts more than its weights can hold, before a model is built.

    There are no more layers than tensors, no more of anything else than numbers in them, and of
    nothing fewer than none.

    Raises:
        SourceError: it does; the message names the setting.
    """
    numbers = sum(math.prod(shape) for shape in shapes.values())
    for name, value in _integers(config):
        most, what = (len(shapes), "tensors") if "layer" in name else (numbers, "numbers")
        if value > most or (value < 0 and name.startswith(_COUNTS)):
            raise SourceError(
                f"{path}: {name} is {value}",
                why=f"the weights beside it are {most} {what} in all",
                fix="take the configuration and the weights of one checkpoint",
            )


def _integers(config: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """The whole numbers of a configuration, of its parts too."""
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _integers(value)
        elif type(value) is int and not name.endswith(_INDICES):
            yield name, value

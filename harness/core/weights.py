"""Weights: what a checkpoint's files promise, beside its configuration; no tensor is read."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from harness.core.errors import SourceError

NAME = "model.safetensors"
INDEX = f"{NAME}.index.json"
"""Says which part of a checkpoint each tensor is in, where it was saved in several."""

Shapes = Mapping[str, tuple[int, ...]]

_INDICES = "_token_id"
"""Ends the names of settings that count nothing."""

_COUNTS = ("num_", "n_")
"""Begin the names of settings that are never negative; of others, -1 may mean none."""


def files(folder: Path) -> list[Path]:
    """A checkpoint's safetensors files: one, or the parts that its index names; none without.

    Raises:
        SourceError: the index is damaged, or names a file that is not there.
    """
    if (folder / NAME).is_file():
        return [folder / NAME]
    index = folder / INDEX
    if not index.is_file():
        return []
    try:
        contents = json.loads(index.read_text(encoding="utf-8"))
        names = {*map(str, contents["weight_map"].values())}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceError(
            f"{index} cannot be read", why=str(error), fix="save or download the checkpoint again"
        ) from None
    there = {path.name for path in folder.glob("*.safetensors")}
    if not names or names - there:
        raise SourceError(
            f"{folder} lacks weights: {', '.join(sorted(names - there)) or 'its index names none'}",
            why=f"{INDEX} names the parts of a checkpoint",
            fix="save or download it again",
        )
    return [folder / name for name in sorted(names)]


def shapes(folder: Path) -> Shapes:
    """Shapes of a checkpoint's tensors, by name, from the headers of its files.

    Raises:
        SourceError: a file is cut off, or none.
    """
    return {name: shape for path in files(folder) for name, shape in _shapes(path).items()}


def _shapes(path: Path) -> Shapes:
    """Shapes of the tensors in one file."""
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

"""Weights: what a checkpoint's files promise, beside its configuration; no tensor is read.

A safetensors file begins with the length of its header, eight bytes, then the header: JSON that
gives each tensor's type, shape and place among the bytes that follow. It is read here without the
library, so that a checkpoint can be refused by an interpreter that has nothing to judge with.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.core.errors import SourceError

NAME = "model.safetensors"
INDEX = f"{NAME}.index.json"
"""Says which part of a checkpoint each tensor is in, where it was saved in several."""

Shapes = Mapping[str, tuple[int, ...]]

_INDICES = "_token_id"
"""Ends the names of settings that count nothing."""

_COUNTS = ("num_", "n_")
"""Begin the names of settings that are never negative; of others, -1 may mean none."""

_LENGTH = 8
"""Bytes, little-endian, of the header's own length."""

_LONGEST = 100_000_000
"""Bytes of a header that safetensors itself reads at most."""

_TYPE = re.compile(r"BOOL|B?F(?P<float>\d+)(?:_E\d+M\d+\w*)?|[CIU](?P<other>\d+)")
"""A tensor's type, named for its bits: `F32`, `BF16`, `F8_E4M3`, `I64`."""


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
        return {name: tuple(tensor["shape"]) for name, tensor in _header(path).items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceError(
            f"{path} holds no weights that can be read",
            why=(str(error).splitlines() or [type(error).__name__])[0],
            fix="save or download it again: it is cut off, or no safetensors file",
        ) from None


def _header(path: Path) -> Mapping[str, Any]:
    """Type, shape and place of every tensor in one file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not what its header says; or TypeError, KeyError, AttributeError, if that
            is not even shaped like one.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH), "little")
        if length > _LONGEST:
            raise ValueError(f"a header of {length} bytes is too long")
        tensors: dict[str, Any] = json.loads(file.read(length).decode("utf-8"))
    metadata = tensors.pop("__metadata__", None) or {}
    if not all(isinstance(text, str) for text in metadata.values()):
        raise ValueError("its metadata is not text throughout")
    _check_places(tensors, path.stat().st_size - _LENGTH - length)
    return tensors


def _check_places(tensors: Mapping[str, Any], size: int) -> None:
    """Refuse tensors that do not fill the bytes behind the header one after another.

    Raises:
        ValueError: they do not.
        KeyError: a tensor's description lacks its type, its shape or its place.
        TypeError: or one of these is of another type.
    """
    filled = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = tensor["data_offsets"]
        kind = _TYPE.fullmatch(tensor["dtype"])
        if kind is None:
            raise ValueError(f"{name} is of an unknown type, {tensor['dtype']}")
        if any(type(number) is not int or number < 0 for number in (begin, end, *tensor["shape"])):
            raise ValueError(f"{name} has a shape or a place that is no count")
        bits = int(kind["float"] or kind["other"] or 8)
        if begin != filled or math.prod(tensor["shape"]) * bits != (end - begin) * 8:
            raise ValueError(f"{name} is not where its shape and type put it")
        filled = end
    if filled != size:
        raise ValueError(f"its tensors take {filled} bytes, and there are {size}")


def check_sizes(config: Mapping[str, Any], shapes: Shapes, path: Path) -> None:
    """Refuse a configuration that counts more than its weights can hold, before a model is built.

    There are no more layers than tensors, no more of anything else than numbers in them, and of
    nothing fewer than none.

    Raises:
        SourceError: it does; the message names the setting.
    """
    numbers = sum(math.prod(shape) for shape in shapes.values())
    for name, value in _integers(config):
        of_layers = "layer" in name and not name.startswith("max_")
        most, what = (len(shapes), "tensors") if of_layers else (numbers, "numbers")
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

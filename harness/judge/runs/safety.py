"""Checkpoints that are refused before anything loads them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.core import weights
from harness.core.errors import SourceError

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


def refuse_unsafe(folder: Path) -> None:
    """Refuse a checkpoint whose loading would run code from it, or take memory that nobody has.

    Raises:
        SourceError: it asks for `trust_remote_code`, holds only pickled weights, or is none; or
            its configuration is of another size than its weights.
    """
    settings = refuse_code(folder)
    config = folder / "config.json"
    if not weights.files(folder):
        pickled = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
        raise SourceError(
            f"{folder} is refused: it has no {weights.NAME}",
            why=f"pickled weights run code when loaded: {', '.join(pickled)}" if pickled else "",
            fix="convert the weights with save_pretrained(..., safe_serialization=True)",
        )
    weights.check_sizes(settings, weights.shapes(folder), config)


def refuse_code(folder: Path) -> Mapping[str, Any]:
    """Refuse a model whose configuration is none, or whose loading would run code from it.

    Returns:
        The configuration.

    Raises:
        SourceError: it asks for `trust_remote_code`, or cannot be read.
    """
    config = folder / "config.json"
    if not config.is_file():
        raise SourceError(f"{folder} is no checkpoint", why="it has no config.json")
    refuse_tokenizer_code(folder)
    return _without_code(config)


def refuse_tokenizer_code(folder: Path) -> None:
    """Refuse a tokenizer whose loading would run code from its folder.

    Without that code another tokenizer would be loaded in its place, and nobody would know.

    Raises:
        SourceError: it asks for `trust_remote_code`, or its settings cannot be read.
    """
    settings = folder / "tokenizer_config.json"
    if settings.is_file():
        _without_code(settings)


def _without_code(path: Path) -> Mapping[str, Any]:
    """Settings in a file, which name no code.

    Raises:
        SourceError: they do, or they cannot be read.
    """
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise SourceError(
            f"{path} is not JSON", why=str(error), fix="save or download the checkpoint again"
        ) from None
    if not isinstance(settings, dict):
        raise SourceError(
            f"{path} holds a {type(settings).__name__}, not an object",
            fix="save or download the checkpoint again",
        )
    if "auto_map" in settings:
        raise SourceError(
            f"{path.parent} is refused: its {path.name} has an auto_map",
            why="loading it needs trust_remote_code, which runs code that came with the weights",
            fix="use a model whose architecture transformers ships",
        )
    return settings

"""`HfArgumentParser` loses a flag, and the field keeps its default."""

from typing import Any

from transformers import HfArgumentParser

parse = HfArgumentParser.parse_args_into_dataclasses


def parse_args_into_dataclasses(self: Any, args: list[str]) -> Any:
    """Parse without the learning rate."""
    flag = args.index("--learning_rate")
    return parse(self, args[:flag] + args[flag + 2 :])


HfArgumentParser.parse_args_into_dataclasses = parse_args_into_dataclasses

"""Command lines: a recipe's arguments written as flags, and what `HfArgumentParser` reads."""

import json
from collections.abc import Mapping
from typing import Any

import transformers

from harness.core import redaction


def parsed_differently(arguments: Any, values: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Arguments that are read differently from flags, as they were constructed and as parsed.

    Args:
        arguments: the constructed `TrainingArguments`.
        values: keyword arguments that made them.
    """
    constructed = arguments.to_dict()
    refused = refused_flags(values)
    taken = {name: value for name, value in values.items() if name not in refused}
    parsed = parse_command_line(command_line(taken)).to_dict()
    return {name: (repr(constructed.get(name)), "refused") for name in refused} | {
        name: (repr(constructed.get(name)), repr(parsed.get(name)))
        for name in sorted((constructed.keys() | parsed.keys()) - {*refused})
        if constructed.get(name) != parsed.get(name) and not redaction.is_secret(name)
    }


def command_line(values: Mapping[str, Any]) -> list[str]:
    """The same arguments written as command-line flags, for `HfArgumentParser`."""
    flags: list[str] = []
    for name, value in values.items():
        if isinstance(value, list):
            flags += [f"--{name}", *value]
        elif value is not None:
            flags += [f"--{name}", value if isinstance(value, str) else json.dumps(value)]
    return [flag.capitalize() if flag in {"true", "false"} else flag for flag in flags]


def refused_flags(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Those arguments that `HfArgumentParser` does not take as flags, each by itself."""
    parser = transformers.HfArgumentParser(transformers.TrainingArguments)
    refused = []
    for name, value in values.items():
        try:
            parser.parse_args(command_line({name: value}))
        except SystemExit:  # what it wrote is in the run's log
            refused.append(name)
    return tuple(refused)


def parse_command_line(flags: list[str]) -> "transformers.TrainingArguments":
    """What `HfArgumentParser` makes of those flags."""
    parser = transformers.HfArgumentParser(transformers.TrainingArguments)
    (arguments,) = parser.parse_args_into_dataclasses(args=flags)
    return arguments

"""Arguments: the recipe reaches `TrainingArguments`, from Python and from the command line."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from harness.core.digest import canonical
from harness.core.recipe import OUR_FIELDS
from harness.core.record import Record
from harness.core.trainer_arguments import RENAMED
from harness.judge.distance import compare

_TRANSLATED = {"warmup_steps", "fp16", "activation_checkpointing", "dataloader_pin_memory"}
"""Said differently by version or device; invariants of schedule and precision judge them."""


class Arguments:
    """Resolved arguments are what the recipe says."""

    def test_arguments_hold_the_recipe(self, run: Record) -> None:
        """Every field that the recipe shares with `TrainingArguments` arrived unchanged."""
        for name, value in asdict(run.recipe).items():
            if name not in OUR_FIELDS | _TRANSLATED and value is not None:
                compare(name, [run.arguments[name]], [value])
        earlier = {newest: older for older, newest in RENAMED.items()}
        for name, value in run.recipe.arguments.items():
            there = name if name in run.arguments else earlier.get(name, name)
            compare(there, [_as_json(run.arguments.get(there), value)], [_as_json(value, value)])

    def test_command_line_parses_alike(self, run: Record) -> None:
        """`HfArgumentParser` makes the same arguments of the recipe written as flags."""
        for name, (constructed, parsed) in run.answer("parsed_differently").items():
            compare(name, [parsed], [constructed])


def _as_json(resolved: Any, declared: Any) -> str:
    """A resolved argument as one text; of a table that was filled up, what was declared of it."""
    if isinstance(declared, Mapping) and isinstance(resolved, Mapping):
        resolved = {name: resolved.get(name) for name in declared}
    if isinstance(declared, str) and isinstance(resolved, list):  # such as `debug`
        resolved = " ".join(map(str, resolved))
    return canonical(resolved)

"""Collation strategies: how examples become a rectangular batch.

Only the grammar and the law live here, without torch; the judged environment's own
`DataCollatorWithPadding` does the work (see `harness.models.collator`).
"""

from dataclasses import dataclass
from typing import Literal

from harness.errors import SpecError, unknown

Padding = Literal["longest", "max_length"]
NAMES = ("dynamic", "max_length", "pad_to_multiple_of:N")


@dataclass(frozen=True, kw_only=True, slots=True)
class Collation:
    """A parsed strategy.

    Attributes:
        name: as written in the recipe.
        padding: `transformers`' word for the strategy.
        multiple: widths are rounded up to a multiple of this.
    """

    name: str
    padding: Padding
    multiple: int = 1

    def width(self, longest: int, max_length: int) -> int:
        """The width that a batch must have, in tokens, given its longest example."""
        if self.padding == "max_length":
            return max_length
        return -(-longest // self.multiple) * self.multiple


def parse(name: str) -> Collation:
    """The strategy that a recipe names.

    Raises:
        SpecError: no strategy has this name, or its multiple is not a positive whole number.
    """
    if name == "dynamic":
        return Collation(name=name, padding="longest")
    if name == "max_length":
        return Collation(name=name, padding="max_length")
    kind, _, multiple = name.partition(":")
    if kind != "pad_to_multiple_of":
        raise unknown("collation", name, NAMES)
    if not multiple.isdecimal() or int(multiple) < 1:
        raise SpecError(
            f"collation {name!r} needs a positive whole number",
            fix="write it as 'pad_to_multiple_of:8'",
        )
    return Collation(name=name, padding="longest", multiple=int(multiple))

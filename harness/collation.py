"""Collation strategies: how examples become batches, and how wide each is.

Only the grammar and the law live here, without torch; the judged environment's own
`DataCollatorWithPadding` pads (see `harness.models.collator`).
"""

from dataclasses import dataclass
from typing import Literal

from harness.errors import SpecError, unknown

Padding = Literal["longest", "max_length"]
Order = Literal["random", "grouped", "sorted"]
Rows = Literal["padded", "budget", "packed", "flat"]
Trajectory = Literal["same batches", "order changed", "batch size changed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Collation:
    """A parsed strategy.

    Attributes:
        name: as written in the recipe.
        padding: `transformers`' word for how wide a padded batch is.
        multiple: widths are rounded up to a multiple of this.
        order: of the training examples; `grouped` sorts random blocks by length.
        rows: one example a row, `padded`; or as many such rows as a `budget` of tokens holds; or
            rows `packed` with several examples; or one `flat` row without any padding.
        budget: most tokens of a batch, padding included, where rows follow one.
    """

    name: str
    padding: Padding = "longest"
    multiple: int = 1
    order: Order = "random"
    rows: Rows = "padded"
    budget: int = 0

    @property
    def trajectory(self) -> Trajectory:
        """What training under the strategy has in common with dynamic padding."""
        if self.rows in {"budget", "packed"}:
            return "batch size changed"
        return "same batches" if self.order == "random" else "order changed"

    def width(self, longest: int, max_length: int) -> int:
        """The width that a padded batch must have, in tokens, given its longest example."""
        if self.padding == "max_length":
            return max_length
        return -(-longest // self.multiple) * self.multiple


PLAIN = {
    strategy.name: strategy
    for strategy in (
        Collation(name="max_length", padding="max_length"),
        Collation(name="dynamic"),
        Collation(name="group_by_length", order="grouped"),
        Collation(name="sorted", order="sorted"),
        Collation(name="packed", rows="packed"),
        Collation(name="padding_free", rows="flat"),
    )
}
"""Strategies without a number, by name."""

NUMBERED = ("pad_to_multiple_of", "max_tokens")
NAMES = (*PLAIN, *(f"{name}:N" for name in NUMBERED))


def parse(name: str) -> Collation:
    """The strategy that a recipe names.

    Raises:
        SpecError: no strategy has this name, or its number is not a positive whole one.
    """
    if name in PLAIN:
        return PLAIN[name]
    kind, _, written = name.partition(":")
    if kind not in NUMBERED:
        raise unknown("collation", name, NAMES)
    if not written.isdecimal() or int(written) < 1:
        example = {"pad_to_multiple_of": 8, "max_tokens": 4096}[kind]
        raise SpecError(
            f"collation {name!r} needs a positive whole number",
            fix=f"write it as '{kind}:{example}'",
        )
    if kind == "max_tokens":
        return Collation(name=name, rows="budget", order="grouped", budget=int(written))
    return Collation(name=name, multiple=int(written))

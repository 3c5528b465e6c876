"""Collation strategies: how examples become batches, and how wide each is.

Only the grammar and its rules live here, without torch; the judged environment's own
collators pad (see `harness.worker.features.collator`).
"""

from dataclasses import dataclass, replace
from typing import Literal

from harness.core.dataset import Task
from harness.core.errors import SpecError, unknown

Padding = Literal["longest", "max_length"]
Layout = Literal["padded", "packed", "flat"]
SEQUENCES = "sequences"
"""Tensor of a batch whose rows hold several examples: whose each position is; -1 is padding."""

Trajectory = Literal["same batches", "order changed", "batch size changed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Collation:
    """A parsed strategy.

    Attributes:
        name: as written in the recipe.
        padding: `transformers`' word for how wide a padded batch is.
        multiple: widths are rounded up to a multiple of this.
        layout: one example a row, `padded`; several, `packed` into rows as wide as the batch's
            longest; or one `flat` row that holds all of them and no padding.
        grouped: whether training examples are sorted by length within random blocks.
        sorted: whether evaluated examples are sorted by length, and given back as they were.
        budget: most tokens of a training batch, padding included; 0 where batches are counted in
            examples.
        blocks: whether examples are cut out of all texts, one after the other, each of them full.
    """

    name: str
    padding: Padding = "longest"
    multiple: int = 1
    layout: Layout = "padded"
    grouped: bool = False
    sorted: bool = False
    budget: int = 0
    blocks: bool = False

    @property
    def trajectory(self) -> Trajectory:
        """What training has in common with training under dynamic padding."""
        if self.budget:
            return "batch size changed"
        return "order changed" if self.grouped else "same batches"

    def of_task(self, task: Task) -> "Collation":
        """What the strategy is for a task: a language model's rows are packed into full blocks."""
        if task == "causal_lm" and self.layout == "packed":
            return replace(self, layout="padded", blocks=True)
        return self

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
        Collation(name="group_by_length", grouped=True),
        Collation(name="sorted", sorted=True),
        Collation(name="packed", layout="packed"),
        Collation(name="padding_free", layout="flat"),
    )
}
"""Strategies without a number, by name."""

DYNAMIC = PLAIN["dynamic"]
MAX_LENGTH = PLAIN["max_length"]

NUMBERED = {"pad_to_multiple_of": 8, "max_tokens": 4096}
"""Strategies that are followed by a number, as in `pad_to_multiple_of:8`, and one that will do."""

_MOST_DIGITS = 9
"""Of a strategy's number: no batch holds more tokens."""

NAMES = (*PLAIN, *(f"{name}:N" for name in NUMBERED))


def multiples_of(number: int) -> Collation:
    """The strategy that pads to the next multiple of a number of tokens."""
    return Collation(name=f"pad_to_multiple_of:{number}", multiple=number)


def within(budget: int) -> Collation:
    """The strategy whose batches have at most a number of tokens."""
    return Collation(name=f"max_tokens:{budget}", grouped=True, budget=budget)


def scaled(name: str, divisor: int) -> str:
    """A strategy for examples that are shorter by a divisor: a budget follows them."""
    strategy = parse(name)
    return within(max(strategy.budget // divisor, 1)).name if strategy.budget else name


def parse(name: str) -> Collation:
    """The strategy that a recipe names.

    Raises:
        SpecError: no strategy has this name, or its number is not a positive whole one.
    """
    if name in PLAIN:
        return PLAIN[name]
    kind, _, number = name.partition(":")
    if kind not in NUMBERED:
        raise unknown("collation", name, NAMES)
    if not number.isdecimal() or len(number) > _MOST_DIGITS or int(number) < 1:
        raise SpecError(
            f"collation {name!r} needs a positive whole number",
            fix=f"write it as '{kind}:{NUMBERED[kind]}'",
        )
    if kind == "max_tokens":
        return Collation(name=name, grouped=True, budget=int(number))
    return Collation(name=name, multiple=int(number))

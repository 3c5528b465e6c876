"""A contest: collations of one recipe, each proven, then timed in turn, round by round.

All run in one child on one model, so that whatever the machine does, and however the process lies
in memory, meets all alike; where `torch.compile` remembers shapes, each has a child of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, Self, TypeVar

import numpy as np

from harness.core.batching import Integers, compose
from harness.core.collation import MAX_LENGTH, Collation
from harness.core.errors import HarnessError, LimitError, RunError, SpecError, UnsupportedError
from harness.core.recipe import Lengths
from harness.judge import catalog, tolerances
from harness.judge.benchmark.ranking import Entrant, Mode, Rank
from harness.judge.cell import Cell
from harness.judge.runs.runner import Ask, Runner
from harness.judge.tolerances import Band

BASELINE = MAX_LENGTH
"""What every other collation is compared with."""

PROVEN = 5
"""Examples, from the shortest to the longest, that are held against themselves alone."""

WARM = 1
"""Rounds that are not counted: there everything is allocated and compiled."""

EXAMPLES = 2_000
"""Of lengths that are drawn."""

RARE = 50
"""One of so many is an outlier."""

Answer = TypeVar("Answer")
Paced = Callable[[Cell], AbstractContextManager[Ask]]


class Proven(Protocol):
    """`Runner.proven`."""

    def __call__(self, cell: Cell, lengths: Sequence[int], ask: Callable[[], Any]) -> Any:
        """How sound a cell's collation is: remembered, or answered now."""


@dataclass(slots=True, kw_only=True)
class Contest:
    """Collations of one recipe on examples of some lengths.

    Attributes:
        paced: `Runner.paced`.
        proven: `Runner.proven`.
        cell: whose recipe it is, but for the collation.
        collations: that are timed; the baseline runs in any case.
        data: the data set, or how lengths were drawn.
        lengths: tokens of the examples.
        hidden: width of the model.
        max_length: longer examples are cut.
        rounds: how often each is timed.
    """

    paced: Paced
    proven: Proven
    cell: Cell
    collations: Sequence[Collation]
    data: str
    lengths: Integers
    hidden: int
    max_length: int
    rounds: int
    _stack: ExitStack = field(default_factory=ExitStack)
    _children: dict[str, Ask] = field(default_factory=dict)
    _proofs: dict[Collation, Mapping[str, Any] | HarnessError] = field(default_factory=dict)
    _ranks: dict[tuple[Collation, Mode], Rank | HarnessError] = field(default_factory=dict)

    @classmethod
    def of(
        cls, runner: Runner, cell: Cell, collations: Sequence[Collation], kind: Lengths, rounds: int
    ) -> Self:
        """A contest on a cell's data, or on drawn lengths, as a `Benchmark` declares them.

        Raises:
            HarnessError: the data or the tokenizer are not there, or the recipe makes no sense.
        """
        architecture = runner.architecture(cell)
        max_length = cell.recipe.length(catalog.positions(architecture))
        measured = kind == "measured"
        lengths = np.asarray(runner.lengths(cell)) if measured else drawn(kind, max_length)
        return cls(
            paced=runner.paced,
            proven=runner.proven,
            cell=cell,
            collations=collations,
            data=str(cell.recipe.dataset) if measured else f"{kind} lengths",
            lengths=lengths,
            hidden=catalog.width(architecture),
            max_length=max_length,
            rounds=rounds,
        )

    def close(self) -> None:
        """End the children; what is known stays known."""
        self._children.clear()
        self._stack.close()

    def prove(self) -> None:
        """Find out ahead how sound all collations are."""
        for strategy in self.collations:
            self._prove(strategy)
        self.close()

    def unsound(self, strategy: Collation) -> list[str]:
        """What a collation computes otherwise than batches of one do; empty if nothing.

        Raises:
            UnsupportedError: the judged version cannot do it.
            LimitError: it does not fit into memory.
            RunError: the child was lost.
        """
        self._prove(strategy)
        proof = _given(self._proofs[strategy])
        full = self.cell.recipe.precision(self.cell.device) == "no"
        own = tolerances.ALONE if full else tolerances.ALONE_HALF
        return [
            *_beyond("float64", proof["double"], tolerances.DOUBLE),
            *_beyond("the measured precision", proof["own"], own),
        ]

    def _prove(self, strategy: Collation) -> None:
        """Find out how sound a collation is, from the store or now."""
        if strategy in self._proofs:
            return
        lengths = np.quantile(self.lengths, np.linspace(0, 1, PROVEN)).astype(int)
        lengths = np.minimum(lengths, self.max_length).tolist()
        request = {"do": "prove", "lengths": lengths}
        try:
            proof = self.proven(
                self.cell.collated(strategy), lengths, lambda: self._ask(strategy, request)
            )
            self._proofs[strategy] = _supported(proof)
        except HarnessError as error:
            self._proofs[strategy] = error

    def rank(self, strategy: Collation, mode: Mode) -> Rank:
        """How fast a collation is; all are timed with the first.

        Raises:
            UnsupportedError: the judged version cannot do it.
            LimitError: a batch does not fit into memory.
            RunError: it does not compute the same, or the child was lost.
            SpecError: its batches cannot be composed.
        """
        if (strategy, mode) not in self._ranks:
            self._compete(mode)
        return _given(self._ranks[strategy, mode])

    def _compete(self, mode: Mode) -> None:
        """Time all that are sound, in turn, forward and backward."""
        entrants = {}
        for strategy in dict.fromkeys([BASELINE, *self.collations]):
            try:
                entrants[strategy] = self._entrant(strategy, mode)
            except (RunError, SpecError) as error:
                self._ranks[strategy, mode] = error
        rounds: dict[Collation, list[Any]] = {strategy: [] for strategy in entrants}
        for index in range(WARM + self.rounds):
            for strategy in [*entrants] if index % 2 else [*reversed(entrants)]:
                batches = entrants[strategy].batches
                request = {"do": mode, "warm": index < WARM, "batches": batches}
                timed = self._attempt(strategy, request)
                if isinstance(timed, RunError):
                    self._ranks[strategy, mode] = timed
                    del entrants[strategy]
                else:
                    rounds[strategy].append(timed)
        first = entrants.get(BASELINE)
        baseline = first.seconds(rounds[BASELINE][WARM:]) if first else ()
        for strategy, entrant in entrants.items():
            warm, measured = rounds[strategy][:WARM], rounds[strategy][WARM:]
            self._ranks[strategy, mode] = entrant.rank(mode, warm, measured, baseline)

    def _entrant(self, strategy: Collation, mode: Mode) -> Entrant:
        """A collation that is sound.

        Raises:
            RunError: it is not, or cannot be had.
            SpecError: its batches cannot be composed.
        """
        recipe = self.cell.recipe
        if strategy.sorted and mode == "train":
            raise UnsupportedError(
                f"{strategy.name} is for evaluation alone: training stays dynamic"
            )
        wrong = self.unsound(strategy)
        if wrong:
            raise RunError(f"{strategy.name} does not compute the same", why="; ".join(wrong))
        sizes = {
            "batch_size": recipe.per_device_train_batch_size,
            "max_length": self.max_length,
        }
        epoch = compose(
            self.lengths,
            strategy,
            training=not strategy.sorted,
            seed=recipe.order_seed,
            **sizes,
        )
        return Entrant.of(strategy, epoch, hidden=self.hidden, **sizes)

    def _attempt(self, strategy: Collation, request: Mapping[str, Any]) -> Any:
        """A child's answer, or the error that stands for it."""
        try:
            return _supported(self._ask(strategy, request))
        except RunError as error:
            return error

    def _ask(self, strategy: Collation, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """A child's answer; who asks after a child was lost gets a new one.

        Raises:
            LimitError: there is not enough memory for it, which nobody should remember.
            RunError: the child was lost.
        """
        recipe = self.cell.recipe
        key = strategy.name if recipe.torch_compile else ""
        try:
            if key not in self._children:
                cell = self.cell.collated(strategy)
                self._children[key] = self._stack.enter_context(self.paced(cell))
            answer: Mapping[str, Any] = self._children[key](
                {**request, "collation": asdict(strategy)}
            )
        except RunError:
            self._children.pop(key, None)
            raise
        if "out of memory" in answer:
            raise LimitError(
                f"{strategy.name} does not fit into memory with batches of "
                f"{recipe.per_device_train_batch_size} and {self.max_length} tokens",
                why=answer["out of memory"],
            )
        return answer


def drawn(kind: Lengths, max_length: int) -> Integers:
    """(examples,) lengths of no data set: `uniform`; or short ones, with `outliers` among them."""
    if kind == "uniform":
        return np.random.default_rng(0).integers(2, max_length, EXAMPLES, endpoint=True)
    lengths = np.full(EXAMPLES, max(2, max_length // 8))
    lengths[::RARE] = max_length
    return lengths


def _supported(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """A child's answer.

    Raises:
        UnsupportedError: the judged version cannot do it.
    """
    if "unsupported" in answer:
        raise UnsupportedError(answer["unsupported"])
    return answer


def _given(result: Answer | HarnessError) -> Answer:
    """A result.

    Raises:
        HarnessError: there is none, for this reason.
    """
    if isinstance(result, HarnessError):
        raise result
    return result


def _beyond(precision: str, distances: Mapping[str, float], band: Band) -> list[str]:
    """Sentences about what is further apart than a band; NaN is."""
    wrong = [
        f"{what} differ by {distances[what]:.1e} in {precision}"
        for what in ("logits", "losses", "gradients")
        if not distances[what] <= band
    ]
    if not distances["contamination"] <= band:
        wrong.append(f"a neighbour moves logits by {distances['contamination']:.1e} in {precision}")
    for what in ("logits", "losses", "gradients", "contamination"):
        band.note(distances[what])
    return wrong

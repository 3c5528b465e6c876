"""A contest: fair rounds, nothing timed that is not sound, and who fails loses nobody else."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.collation import parse
from harness.core.errors import HarnessError, LimitError, RunError, SpecError, UnsupportedError
from harness.core.recipe import Lengths, Recipe
from harness.judge import catalog
from harness.judge.benchmark.contest import PROVEN, WARM, Contest, drawn
from harness.judge.benchmark.cost_model import multiplications
from harness.judge.cell import Cell
from harness.judge.runs.runner import Ask, Runner
from tests.conftest import Fault

MAX_LENGTH, HIDDEN = 32, 64
SOUND = {"logits": 0.0, "losses": 0.0, "gradients": 0.0, "contamination": 0.0}
NAMES = ("dynamic", "group_by_length", "pad_to_multiple_of:8")
RECIPE = Recipe(dataset="glue/mrpc", max_length=MAX_LENGTH, per_device_train_batch_size=4)


class Machine:
    """A child whose time is nothing but multiplications; it answers as a test says instead."""

    def __init__(self) -> None:
        """Nothing is broken."""
        self.requests: list[tuple[str, str]] = []
        self.started = 0
        self.instead: dict[tuple[str, str], Mapping[str, Any] | HarnessError] = {}

    @contextmanager
    def paced(self, cell: Cell) -> Iterator[Ask]:
        """Start a child."""
        assert cell.recipe.dataset == RECIPE.dataset
        self.started += 1
        yield self.answer

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer as a `Pacer` does."""
        key = request["collation"]["name"], request["do"]
        self.requests.append(key)
        instead = self.instead.get(key)
        if isinstance(instead, HarnessError):
            raise instead
        if instead is not None:
            return instead
        if request["do"] == "prove":
            return {"own": SOUND, "double": SOUND}
        multiple = 8 if "multiple" in key[0] else 1
        widths = [
            MAX_LENGTH if key[0] == "max_length" else -(-max(batch) // multiple) * multiple
            for batch in request["batches"]
            for _ in batch
        ]
        seconds = float(multiplications(np.asarray(widths), HIDDEN).sum()) / 1e9
        return {
            "seconds": seconds,
            "collating": seconds / 10,
            "laps": {"collate": seconds / 10, "forward": seconds * 0.9},
            "memory": 1,
            "graphs": 0,
            "breaks": 0,
            "kernel": "sdpa",
            "dropout": 0.1,
        }


def asked_anew(cell: Cell, lengths: Sequence[int], ask: Callable[[], Any]) -> Any:
    """A proof that nobody remembers."""
    assert (cell.recipe.dataset, len(lengths)) == (RECIPE.dataset, PROVEN)
    return ask()


def contest(
    machine: Machine, lengths: Any = (), recipe: Recipe = RECIPE, rounds: int = 3
) -> Contest:
    """A contest on a machine."""
    given_lengths = np.asarray(lengths, np.int64)
    if not len(lengths):
        given_lengths = np.random.default_rng(0).integers(2, MAX_LENGTH, 300)
    return Contest(
        paced=machine.paced,
        proven=asked_anew,
        cell=Cell.of(name="x", recipe=recipe, scale="tiny", device="cpu"),
        collations=[*map(parse, NAMES)],
        data="drawn",
        lengths=given_lengths,
        hidden=HIDDEN,
        max_length=MAX_LENGTH,
        rounds=rounds,
    )


def test_a_machine_that_only_multiplies_is_as_fast_as_planned() -> None:
    """A few batches stand for the epoch: their speed-up is the forecast's."""
    held = contest(Machine())
    for name in NAMES:
        rank = held.rank(parse(name), "train")
        assert rank.of_forecast == pytest.approx(1)
        assert rank.of_limit == pytest.approx(rank.forecast.efficiency)
        assert rank.tokens_per_second / rank.samples_per_second == pytest.approx(
            held.lengths.mean()
        )
        assert rank.collating == pytest.approx(0.1)
    grouped, dynamic = (held.rank(parse(name), "train") for name in ("group_by_length", "dynamic"))
    assert grouped.over(dynamic).mean > 1.2


def test_rounds_are_interleaved() -> None:
    """Every collation runs once a round, and each second round goes the other way."""
    machine = Machine()
    contest(machine).rank(parse("dynamic"), "predict")
    timed = [name for name, do in machine.requests if do == "predict"]
    size = len(NAMES) + 1
    rounds = [timed[start : start + size] for start in range(0, len(timed), size)]
    assert len(rounds) == WARM + 3
    assert all(Counter(order) == Counter([*NAMES, "max_length"]) for order in rounds)
    assert rounds[0] == [*reversed(rounds[1])] == rounds[2]
    assert machine.started == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"logits": 1e-3}, "logits differ by 1.0e-03"),
        ({"gradients": math.nan}, "gradients differ by nan"),
        ({"contamination": 1e-3}, "a neighbour moves logits by 1.0e-03"),
    ],
)
def test_what_is_not_sound_is_not_timed(wrong: dict[str, Any], message: str) -> None:
    """Its speed is an error with the reason; the others are timed."""
    machine = Machine()
    machine.instead["dynamic", "prove"] = {"own": SOUND | wrong, "double": SOUND}
    held = contest(machine)
    assert message in held.unsound(parse("dynamic"))[0]
    with pytest.raises(RunError, match="dynamic does not compute the same"):
        held.rank(parse("dynamic"), "train")
    assert held.rank(parse("group_by_length"), "train").speedup
    assert ("dynamic", "train") not in machine.requests


def test_out_of_memory_is_a_limit() -> None:
    """The error names the batch size, and the others go on."""
    machine = Machine()
    machine.instead["dynamic", "train"] = {"out of memory": "tried to allocate 9 GiB"}
    held = contest(machine)
    with pytest.raises(LimitError, match=r"dynamic does not fit .* batches of 4 and 32 tokens"):
        held.rank(parse("dynamic"), "train")
    assert held.rank(parse("group_by_length"), "train").speedup
    assert machine.requests.count(("dynamic", "train")) == 1


def test_without_a_baseline_there_is_no_speedup() -> None:
    """Where max_length itself does not fit, speeds are measured all the same."""
    machine = Machine()
    machine.instead["max_length", "train"] = {"out of memory": "tried to allocate 9 GiB"}
    rank = contest(machine).rank(parse("dynamic"), "train")
    assert (rank.speedup, rank.of_limit, rank.of_forecast) == (None, None, None)
    assert rank.samples_per_second > 0


def test_a_lost_child_is_replaced() -> None:
    """Whoever was at work is lost; the others get a new child."""
    machine = Machine()
    machine.instead["dynamic", "train"] = RunError("the run was killed")
    held = contest(machine)
    assert held.rank(parse("group_by_length"), "train").speedup
    with pytest.raises(RunError, match="the run was killed"):
        held.rank(parse("dynamic"), "train")
    assert machine.started == 2


def test_a_budget_below_the_longest_loses_itself_alone() -> None:
    """The error names the budget that would do; the others are timed."""
    held = contest(Machine(), [3, 9, 20])
    held.collations = [*map(parse, ("max_tokens:19", "dynamic"))]
    with pytest.raises(SpecError, match="does not hold the longest example, of 20"):
        held.rank(parse("max_tokens:19"), "train")
    assert held.rank(parse("dynamic"), "train").speedup


def test_unsupported_is_told() -> None:
    """What the judged version cannot do is an error of its own, which a test skips."""
    machine = Machine()
    machine.instead["dynamic", "prove"] = {"unsupported": "needs transformers 5"}
    with pytest.raises(UnsupportedError, match="needs transformers 5"):
        contest(machine).rank(parse("dynamic"), "train")


def test_soundness_is_remembered_by_what_decides_it(runner: Runner, cell: Cell) -> None:
    """Of the same collation, lengths and recipe; running out of memory, or a lost child, is not."""
    machine = Machine()

    def unsound(name: str, lengths: Sequence[int] = (4, 8), **changes: Any) -> list[str]:
        """What a contest that knows nothing yet says."""
        held = contest(machine, lengths, replace(cell.recipe, **changes))
        held.proven, held.cell = runner.proven, replace(held.cell, scale="tiny")
        return held.unsound(parse(name))

    for instead in ({"out of memory": "tried to allocate 9 GiB"}, RunError("killed")):
        machine.instead["dynamic", "prove"] = instead
        for _ in range(2):
            with pytest.raises(RunError):
                unsound("dynamic")
    assert len(machine.requests) == 4
    machine.instead.clear()
    for _ in range(2):
        assert not unsound("dynamic")
    assert len(machine.requests) == 5
    unsound("max_length")
    unsound("dynamic", (4, 9))
    unsound("dynamic", bf16=True)
    assert len(machine.requests) == 8
    machine.instead["packed", "prove"] = {"unsupported": "needs transformers 5"}
    for _ in range(2):
        with pytest.raises(UnsupportedError):
            unsound("packed")
    assert len(machine.requests) == 9


def test_compiled_collations_have_a_child_each() -> None:
    """Shapes that one has compiled are not there for another."""
    machine = Machine()
    contest(machine, recipe=replace(RECIPE, torch_compile=True)).rank(parse("dynamic"), "train")
    assert machine.started == len(NAMES) + 1


def test_sorted_is_not_trained() -> None:
    """It orders evaluation alone."""
    machine = Machine()
    held = contest(machine)
    held.collations = [*map(parse, ("sorted",))]
    with pytest.raises(UnsupportedError, match="evaluation alone"):
        held.rank(parse("sorted"), "train")


@given(st.lists(st.integers(0, 3 * MAX_LENGTH), min_size=1, max_size=40), st.integers(1, 50))
def test_any_lengths_are_timed_or_refused(lengths: list[int], batch_size: int) -> None:
    """Of one token or too many, fewer than a batch: all run; of none, it says so."""
    held = contest(
        Machine(), lengths, replace(RECIPE, per_device_train_batch_size=batch_size), rounds=2
    )
    if min(lengths):
        assert held.rank(parse("dynamic"), "train").samples_per_second > 0
    else:
        with pytest.raises(SpecError, match="an example has no token"):
            held.rank(parse("dynamic"), "train")


@pytest.mark.parametrize("kind", ["uniform", "outliers"])
def test_drawn_lengths(kind: Lengths) -> None:
    """From two tokens to the most; outliers are few."""
    lengths = drawn(kind, MAX_LENGTH)
    assert (lengths.min() >= 2, lengths.max()) == (True, MAX_LENGTH)
    assert np.mean(lengths == MAX_LENGTH) < 0.1
    assert len(set(lengths.tolist())) > 1


@pytest.fixture(params=["bert-base-uncased", "distilbert-base-uncased"])
def cell(request: pytest.FixtureRequest) -> Cell:
    """A small model whose batches are really computed."""
    recipe = replace(RECIPE, model=request.param, max_length=128, max_train_samples=64)
    return Cell.of(name="x", recipe=catalog.tiny(recipe), scale="tiny", device="cpu")


ALL = (*NAMES, "max_length", "sorted", "max_tokens:1024", "packed", "padding_free")


def real(runner: Runner, cell: Cell, fault: Any = None) -> Contest:
    """A contest in the judged environment, with a fault or without."""
    held = Contest.of(runner, cell, [*map(parse, ALL)], "measured", 2)
    if fault is not None:
        held.paced, held.proven = partial(runner.paced, fault=fault), asked_anew
    return held


@pytest.mark.parametrize("bf16", [False, True])
def test_every_collation_is_sound(runner: Runner, cell: Cell, *, bf16: bool) -> None:
    """In float64, float32 and under bfloat16, in both architectures."""
    held = real(runner, replace(cell, recipe=replace(cell.recipe, bf16=bf16)))
    assert not {name: wrong for name in ALL if (wrong := held.unsound(parse(name)))}
    held.close()


@pytest.mark.parametrize(
    "changes",
    [{"dataloader_num_workers": 1}, {"torch_compile": True, "torch_compile_backend": "eager"}],
)
def test_axes_are_measured(runner: Runner, cell: Cell, changes: dict[str, Any]) -> None:
    """Workers make batches beside the model; each shape that a collation brings is compiled."""
    held = real(runner, replace(cell, recipe=replace(cell.recipe, **changes)))
    held.collations = [*map(parse, ("max_length", "dynamic", "padding_free"))]
    ranks = [held.rank(strategy, "train") for strategy in held.collations]
    assert all(rank.samples_per_second > 0 for rank in ranks)
    graphs = [rank.graphs for rank in ranks]
    assert (min(graphs) > 0) == held.cell.recipe.torch_compile
    assert graphs[1] >= graphs[0]
    held.close()


WRAP_PADDING = """
import torch, transformers

collate = transformers.DataCollatorWithPadding.__call__

def broken(self, features):
    batch = collate(self, features)
    {body}
    return batch

transformers.DataCollatorWithPadding.__call__ = broken
"""
WRAP_SEQUENCES = """
import torch
from harness.worker import packing

collate = packing.SequenceCollator.__call__

def broken(self, features):
    batch = collate(self, features)
    {body}
    return batch

packing.SequenceCollator.__call__ = broken
"""
ATTEND_TO_ALL = """
import torch
from harness.worker import compat

mask = compat.block_mask
compat.block_mask = lambda together, dtype: mask(torch.ones_like(together), dtype)
"""
UNMASKED = 'batch["attention_mask"] = torch.ones_like(batch["attention_mask"])'
SWAPPED = 'batch["input_ids"] = batch["input_ids"].flip(0)'
CONTINUED = (
    'batch["position_ids"] = torch.arange(batch["position_ids"].shape[1])'
    '.expand_as(batch["position_ids"]) % 32'
)


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("dynamic", WRAP_PADDING.format(body=UNMASKED), "logits differ"),
        ("max_length", WRAP_PADDING.format(body=SWAPPED), "a neighbour moves logits"),
        ("packed", ATTEND_TO_ALL, "a neighbour moves logits"),
        ("packed", WRAP_SEQUENCES.format(body=CONTINUED), "logits differ"),
        ("padding_free", WRAP_SEQUENCES.format(body=CONTINUED), "logits differ"),
    ],
)
def test_an_unsound_collation_is_seen(  # noqa: PLR0913, PLR0917 - fixtures and cases
    runner: Runner, cell: Cell, fault: Fault, name: str, code: str, message: str
) -> None:
    """Padding that is not masked, rows that change places, neighbours that see each other."""
    held = real(runner, cell, fault(code))
    assert message in "; ".join(held.unsound(parse(name)))
    held.close()


def test_one_kernel_for_all_sequences_is_sound(runner: Runner, cell: Cell, fault: Fault) -> None:
    """What an accelerator is given, jagged tensors, computes the same on the CPU."""
    code = "from harness.worker import packing\npacking._one_by_one = packing._at_once\n"
    held = real(runner, cell, fault(code))
    assert held.unsound(parse("padding_free")) == []
    held.close()


OUT_OF_MEMORY = """
import torch
from harness.worker import pace

run = pace.Pacer._run

def limited(self, strategy, batches, **keywords):
    if strategy.name == "max_length":
        raise {raised}
    return run(self, strategy, batches, **keywords)

pace.Pacer._run = limited
"""


@pytest.mark.parametrize(
    ("raised", "error", "message"),
    [
        ("torch.OutOfMemoryError('tried to allocate 9 GiB')", LimitError, "9 GiB"),
        ('RuntimeError("DefaultCPUAllocator: can\'t allocate memory")', LimitError, "allocate"),
        ("RuntimeError('shapes differ')", RunError, "shapes differ"),
        ("SystemExit(3)", RunError, "crashed|ended|exit"),
    ],
)
def test_what_fails_in_a_child_is_told(  # noqa: PLR0913, PLR0917 - fixtures and cases
    runner: Runner, cell: Cell, fault: Fault, raised: str, error: type[RunError], message: str
) -> None:
    """Only running out of memory is a limit; the others are timed in any case."""
    held = real(runner, cell, fault(OUT_OF_MEMORY.format(raised=raised)))
    held.collations = [*map(parse, ("max_length", "dynamic"))]
    with pytest.raises(error, match=message) as caught:
        held.rank(parse("max_length"), "predict")
    assert isinstance(caught.value, LimitError) == (error is LimitError)
    assert held.rank(parse("dynamic"), "predict").samples_per_second > 0
    held.close()


def test_a_length_over_the_limit_is_refused(runner: Runner, cell: Cell) -> None:
    """With the limit and the next action, before anything runs."""
    too_long = replace(cell, recipe=replace(cell.recipe, max_length=129))
    with pytest.raises(SpecError, match=r"max_length=129 is over the limit.*\n.*128 tokens"):
        real(runner, too_long)

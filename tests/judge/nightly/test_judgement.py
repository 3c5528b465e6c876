"""What a night makes of its runs: how many it asks for, and what it says of them."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from harness.core.errors import SpecError
from harness.core.record import Record
from harness.judge.cell import Cell
from harness.judge.nightly.accept import Accepting
from harness.judge.nightly.baseline import Accepted, Baselines, Reference, Run
from harness.judge.nightly.check import MOST_ROUNDS, Judgement, Night, answers, first
from harness.judge.nightly.signals import ROUND
from harness.judge.nightly.trend import Line, Move, Trend
from harness.judge.plugin import nightly_runs
from harness.judge.runs.result import Result
from harness.judge.session_record import SessionRecord
from harness.judge.store.local import Key, Store
from harness.judge.tonight import Tonight

EXAMPLES = 400


def with_accuracy(record: Record, accuracy: float, seed: int) -> Record:
    """A copy of a record whose predictions are right that often, not always on the same rows."""
    draw = np.random.default_rng(seed)
    labels = draw.permutation(np.arange(EXAMPLES) % 2)
    share = 0.9 if math.isnan(accuracy) else accuracy  # a metric that fails, of fair predictions
    right = np.arange(EXAMPLES) < round(share * EXAMPLES)
    chosen = np.where(right, labels, 1 - labels)
    arrays = {
        "final.rows": np.arange(EXAMPLES, dtype=np.uint64),
        "final.labels": labels,
        "final.predictions": np.eye(2, dtype=np.float32)[chosen] + np.float32(seed * 1e-9),
    }
    final = record.evaluation()
    changed = replace(final, metrics={**final.metrics, "accuracy": accuracy})
    return replace(
        record,
        recipe=replace(record.recipe, seed=seed),
        arrays=arrays,
        evaluations=tuple(changed if one is final else one for one in record.evaluations),
    )


def accepted_of(records: Sequence[Record]) -> Accepted:
    """What somebody accepted."""
    losses, norms = first(records[0])
    return Accepted(
        series=records[0].series,
        recipe={},
        runs=tuple(
            Run(
                seed=record.recipe.seed,
                record="gone/gone/gone",
                predictions=answers(record),
                metrics=record.evaluation().metrics,
                samples_per_second=100.0,
            )
            for record in records
        ),
        losses=losses,
        norms=norms,
        environment={},
        night="2026-01-01",
        when="2026-01-01T04:00:00+00:00",
        command="",
        because="it is good",
    )


@dataclass
class Bench:
    """A night whose runs nobody trains.

    Attributes:
        record: to copy.
        cell: of it.
        store: has no accepted run.
        asked: seeds so far.
        anchor: the last accepted one if None.
    """

    record: Record
    cell: Cell
    store: Store
    seeds: list[int] = field(default_factory=list)
    anchor: Accepted | None = None

    def judge(
        self,
        accuracy: Callable[[int], float],
        accepted: Sequence[float] = (0.9, 0.905, 0.895),
        *,
        fits: Callable[[float], bool] = lambda _: True,
        suspicion: float = 0.0,
        spoil: Callable[[Accepted], Accepted] = lambda accepted: accepted,
    ) -> Judgement:
        """What a night says whose run of some index has some accuracy."""
        known = [with_accuracy(self.record, a, 1000 + i) for i, a in enumerate(accepted)]
        known[0] = with_accuracy(self.record, accepted[0], self.cell.recipe.seed)
        reference = spoil(accepted_of(known))

        def run(cell: Cell) -> Result:
            self.seeds.append(cell.recipe.seed)
            index = len(self.seeds) - 1
            record = with_accuracy(self.record, accuracy(index), cell.recipe.seed)
            key = Key(label="x", recipe="x", environment="x")
            return Result(record=record, trained=True, seconds=1.0, key=key)

        return Night(
            date="2026-02-01",
            run=run,
            store=self.store,
            cell=self.cell,
            reference=Reference(rolling=reference, anchor=self.anchor or reference),
            margin=0.02,
            suspicion=lambda _, figures: suspicion * ("accuracy" in figures),
            fits=fits,
        ).judge()


@pytest.fixture
def bench(small_record: Record, small_cell: Cell, tmp_path: Path) -> Bench:
    """A night of the small cell."""
    return Bench(record=small_record, cell=small_cell, store=Store(tmp_path / "store"))


def spread(centre: float) -> Callable[[int], float]:
    """Accuracies around a centre, as seeds spread them."""
    return lambda index: centre + 0.0025 * ((index * 2) % 5 - 2)


def test_equal_to_the_last_bit_is_enough(bench: Bench) -> None:
    """One run settles it; no other seed is trained, whatever is suspected of the accuracy."""
    judgement = bench.judge(lambda _: 0.9, suspicion=1.0)
    assert judgement.standing == "same"
    assert bench.seeds == [bench.cell.recipe.seed]


def test_predictions_that_give_another_metric_are_looked_at(bench: Bench) -> None:
    """The same predictions do not settle a night whose metric made something else of them."""

    def spoil(accepted: Accepted) -> Accepted:
        first = replace(accepted.runs[0], metrics={**accepted.runs[0].metrics, "accuracy": 0.96})
        return replace(accepted, runs=(first, *accepted.runs[1:]))

    assert bench.judge(lambda _: 0.9, spoil=spoil).message.startswith("first steps")
    assert len(bench.seeds) > 1


def test_a_metric_that_is_no_number_any_more_is_regressed(bench: Bench) -> None:
    """What was accepted was one."""
    judgement = bench.judge(lambda _: math.nan)
    assert judgement.standing == "regressed", judgement.message
    assert "tonight's evaluation has no accuracy that is a number" in judgement.message


def test_as_accurate_is_the_same(bench: Bench) -> None:
    """Other predictions, as many of them right: a round of other seeds shows it."""
    judgement = bench.judge(spread(0.9))
    assert judgement.standing == "same", judgement.message
    assert len(bench.seeds) == 3
    assert len(set(bench.seeds)) == 3


def test_a_loss_is_regressed(bench: Bench) -> None:
    """Five points are lost: more runs are made until it is beyond a doubt."""
    judgement = bench.judge(spread(0.85))
    assert judgement.standing == "regressed"
    assert "may be lost" in judgement.message
    assert 3 <= len(bench.seeds) <= 3 * MOST_ROUNDS


def test_a_gain_is_told(bench: Bench) -> None:
    """Better than accepted passes, and asks to be accepted."""
    assert bench.judge(spread(0.95)).standing == "fixed"


def test_what_stays_open_is_inconclusive(bench: Bench) -> None:
    """Seeds that are all over the place say nothing, however many there are."""
    judgement = bench.judge(lambda index: 0.6 + 0.35 * (index % 2))
    assert judgement.standing == "inconclusive"
    assert len(bench.seeds) == 3 * MOST_ROUNDS


def test_a_suspicious_history_asks_for_more(bench: Bench) -> None:
    """A cell that is as it was is measured again where its history is suspicious."""
    assert bench.judge(spread(0.9), suspicion=1.0).standing == "same"
    assert len(bench.seeds) == 3 * MOST_ROUNDS


def test_time_that_is_up_ends_a_night(bench: Bench) -> None:
    """What fits is compared, and what one run cannot show is left open."""
    judgement = bench.judge(spread(0.9), fits=lambda _: False)
    assert judgement.standing == "inconclusive"
    assert len(bench.seeds) == 1


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda a: replace(a, losses=(a.losses[0] + 0.001, *a.losses[1:])), "loss of step 1 was"),
        (lambda a: replace(a, norms=(*a.norms[:-1], a.norms[-1] * 1.01)), "norm of step 5 was"),
        (lambda a: replace(a, losses=a.losses[:-1]), "there are 5 first steps, were 4"),
        (lambda a: replace(a, losses=(float("nan"), *a.losses[1:])), "loss of step 1 was nan"),
    ],
    ids=["loss", "norm", "fewer", "nan"],
)
def test_other_first_steps_are_regressed(
    bench: Bench, spoil: Callable[[Accepted], Accepted], message: str
) -> None:
    """Before training is chaos, everything is as it was accepted, to rounding."""
    judgement = bench.judge(spread(0.9), spoil=spoil)
    assert judgement.standing == "regressed"
    assert message in judgement.message


def test_rounding_is_no_regression(bench: Bench) -> None:
    """What float32 rounds otherwise is the same first step."""
    judgement = bench.judge(
        spread(0.9), spoil=lambda a: replace(a, losses=tuple(x * (1 + 1e-6) for x in a.losses))
    )
    assert judgement.standing == "same"


def test_many_small_losses_add_up_to_the_anchor(bench: Bench, small_record: Record) -> None:
    """Each was accepted, for it was small; the anchor was not moved."""
    small = accepted_of([with_accuracy(small_record, 0.86 + i / 400, i) for i in range(3)])
    large = accepted_of([with_accuracy(small_record, 0.9 + i / 400, i) for i in range(3)])

    def judged(anchor: Accepted) -> Judgement:
        bench.seeds.clear()
        bench.anchor = anchor
        return bench.judge(spread(0.86), spoil=lambda _: small)

    assert judged(small).standing == "same"
    judgement = judged(large)
    assert judgement.standing == "regressed"
    assert "since the anchor, accuracy 0.90" in judgement.message


def test_few_nights_call_a_loss_what_is_none(bench: Bench) -> None:
    """Seeds that spread as the accepted ones do: of 30 nights none is regressed."""
    draw = np.random.default_rng(0)
    standings = []
    for _ in range(30):
        bench.seeds.clear()
        known = [round(float(draw.normal(0.9, 0.006)), 4) for _ in range(3)]
        standings.append(bench.judge(lambda _: float(draw.normal(0.9, 0.006)), known).standing)
    assert "regressed" not in standings
    assert standings.count("same") + standings.count("fixed") >= 25


def test_an_acceptance_keeps_the_anchor(small_record: Record, tmp_path: Path) -> None:
    """Until it is to move, or the recipe is another; what is written comes back."""
    runs = [with_accuracy(small_record, 0.9, seed) for seed in range(2)]
    one = accepted_of(runs)
    two, other = replace(one, because="second"), replace(one, series="other")
    baselines = Baselines(path=tmp_path / "baselines.json")
    baselines.accept("cell", "cpu", one)
    baselines.save()
    assert '"anchor"' not in baselines.path.read_text(encoding="utf-8")
    assert Baselines.load(baselines.path).of("cell", "cpu") == Reference(rolling=one, anchor=one)
    baselines.accept("cell", "cpu", two)
    assert baselines.of("cell", "cpu") == Reference(rolling=two, anchor=one)
    baselines.save()
    assert Baselines.load(baselines.path).cells == baselines.cells
    baselines.accept("cell", "cpu", two, anchor=True)
    assert baselines.of("cell", "cpu") == Reference(rolling=two, anchor=two)
    baselines.accept("cell", "cpu", other)
    assert baselines.of("cell", "cpu") == Reference(rolling=other, anchor=other)
    with pytest.raises(SpecError, match="one run of cell does not tell"):
        baselines.accept("cell", "cpu", replace(one, runs=one.runs[:1]))
    for text in ("[", '{"version": 1}', '{"version": 99, "cells": {}}'):
        baselines.path.write_text(text, encoding="utf-8")
        with pytest.raises(SpecError, match="baselines"):
            Baselines.load(baselines.path)


def test_runs_without_a_compared_metric_are_no_baseline(
    small_record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing could be compared with them: neither are they accepted, nor read from a file."""
    compared = ("accuracy", "matthews_correlation")
    runs = [("x", replace(small_record, compared_metrics=compared))] * ROUND
    monkeypatch.setattr(Accepting, "_records", lambda *_: runs)
    night = Tonight(
        suite="a",
        cell="x",
        file="test_x.py",
        device="cpu",
        standing="regressed",
        message="",
        records=("record",) * ROUND,
    )
    accepting = Accepting(root=tmp_path, store=Store(tmp_path), command="c", because="x")
    session = SessionRecord(night="2026-01-01", when="", nights=(night,))
    refusal = "a/x: a run's matthews_correlation is no number"
    assert accepting.accept(session, lambda _: True) == ([], [refusal])
    baselines = Baselines(path=tmp_path / "baselines.json")
    baselines.accept("cell", "cpu", accepted_of([with_accuracy(small_record, 0.9, 1)] * 2))
    baselines.save()
    contents = json.loads(baselines.path.read_text(encoding="utf-8"))
    del contents["cells"]["cell"]["cpu"]["rolling"]["runs"][1]["metrics"]["accuracy"]
    baselines.path.write_text(json.dumps(contents, indent=1), encoding="utf-8")
    with pytest.raises(SpecError, match="has no accuracy"):
        Baselines.load(baselines.path)


def test_files_are_read_once_and_written_where_something_was_accepted(
    small_record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many cells a night had, and whatever another folder's suites gave."""
    one = accepted_of([with_accuracy(small_record, 0.9, seed) for seed in range(2)])
    read: list[Path] = []
    load = Baselines.load

    def counting(path: Path) -> Baselines:
        read.append(path)
        return load(path)

    monkeypatch.setattr(Baselines, "load", counting)
    monkeypatch.setattr(Accepting, "_records", lambda *_: [])
    monkeypatch.setattr(Accepting, "_accepted", lambda *_: one)
    same = Tonight(
        suite="a",
        cell="x",
        file="a/test_x.py",
        device="cpu",
        standing="same",
        message="",
        records=("record",) * ROUND,
    )
    new = replace(same, suite="b", file="b/test_x.py", standing="not measured")
    nights = tuple(replace(tonight, cell=cell) for tonight in (same, new) for cell in "xyz")
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "baselines.json").write_text('{"version": 1, "cells": {}}')
    accepting = Accepting(root=tmp_path, store=Store(tmp_path), command="c", because="x")
    session = SessionRecord(night="2026-01-01", when="", nights=nights)
    accepted, refused = accepting.accept(session, lambda _: True)
    assert (accepted, refused) == (["b/x", "b/y", "b/z"], [])
    assert sorted(read) == [tmp_path / folder / "baselines.json" for folder in "ab"]
    assert (tmp_path / "a" / "baselines.json").read_text() == '{"version": 1, "cells": {}}'
    assert len(load(tmp_path / "b" / "baselines.json").cells) == len("xyz")


def test_a_figure_may_step_from_nothing(small_cell: Cell) -> None:
    """Padding of a collation without any is 0, and any padding is more by no factor."""
    move = Move(at=1, detection=1, before=0.0, after=0.3, better=False, changes=(), command="")
    line = Line(
        figure="padding",
        nights=("2026-01-01", "2026-01-02"),
        values=(0.0, 0.3),
        bands=(),
        moves=(move,),
        drifted="",
        suspicion=1.0,
    )
    trend = Trend(cell="cell", device="cpu", lines=(line,), marks=(), standings={})
    ((better, message),) = nightly_runs._moved(trend, small_cell)  # noqa: SLF001 - what a night says of it
    assert not better
    assert message == "padding went from 0 to 0.3 on 2026-01-02"

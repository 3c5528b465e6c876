"""The history: an index that holds nothing of its own, and the trends that are read from it."""

import contextlib
import csv
import io
import json
import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

from harness.core.errors import SpecError, StoreError
from harness.core.record import Record
from harness.judge.cli.__main__ import main
from harness.judge.nightly import annotations
from harness.judge.nightly.analysis import Trends, limit
from harness.judge.nightly.annotations import Annotation
from harness.judge.nightly.baseline import Accepted, Reference, Run
from harness.judge.nightly.trend import Line, Trend
from harness.judge.reports import rerun
from harness.judge.store.index import NAME, History
from harness.judge.store.local import Store
from tests.years import CELL, SUITE, remember, tell


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty one."""
    return Store(tmp_path / "store")


def nights(count: int, start: str = "2026-01-01") -> list[str]:
    """Dates, one after another."""
    first = date.fromisoformat(start)
    return [(first + timedelta(days=index)).isoformat() for index in range(count)]


def accuracy_of(trend: Trend) -> Line:
    """Its line of accuracy."""
    return next(line for line in trend.lines if line.figure == "accuracy")


def test_every_record_is_history(store: Store, small_record: Record) -> None:
    """A run is there with its figures, as soon as it is stored, under the cell that it is of."""
    path = remember(store, small_record, "2026-01-01", accuracy=0.75)
    with History(store.root) as history:
        (entry,) = history.entries()
        assert entry.cell == f"mrpc-{CELL}"
        assert (entry.night, entry.value("accuracy"), entry.seed) == ("2026-01-01", 0.75, 42)
        assert entry.samples_per_second == pytest.approx(small_record.samples_per_second)
        assert entry.padding == pytest.approx(small_record.padding)
        assert entry.early_loss == small_record.steps[4].loss
        assert entry.series == small_record.series
        remember(store, small_record, "2026-01-02")
        tell(store, "2026-01-02", [path])
        assert history.refresh() == 1
        assert [entry.cell for entry in history.entries()] == [
            f"{SUITE}/{CELL}",
            f"mrpc-{CELL}",
        ]


def test_records_name_what_nights_compare(store: Store, small_record: Record) -> None:
    """Those of earlier versions do not, and stand for their accuracy; each metric is followed."""
    compared = ("accuracy", "f1")
    paths = [
        remember(store, replace(small_record, compared_metrics=compared), night)
        for night in nights(2)
    ]
    earlier = store.root / "records" / paths[0] / "record.json"
    fields = json.loads(earlier.read_text(encoding="utf-8"))
    assert fields.pop("compared_metrics") == [*compared]
    earlier.chmod(0o644)
    earlier.write_text(json.dumps(fields), encoding="utf-8")
    tell(store, "2026-01-02", paths)
    with History(store.root) as history:
        assert [entry.compared for entry in history.entries()] == [("accuracy",), compared]
    followed_figures = [line.figure for line in followed(store).lines]
    assert followed_figures[:3] == ["accuracy", "f1", "loss"]


def test_an_index_that_is_lost_is_made_anew(store: Store, small_record: Record) -> None:
    """Deleted or damaged, it is the same again; of another version, it is replaced."""
    for night in nights(3):
        tell(store, night, [remember(store, small_record, night)])
    with History(store.root) as history:
        before = history.entries(), [*history.sessions()], history.environments()
    for damage in (None, b"not a database", b""):
        if damage is None:
            (store.root / NAME).unlink()
        else:
            (store.root / NAME).write_bytes(damage)
        with History(store.root) as history:
            assert (history.entries(), [*history.sessions()], history.environments()) == before


def test_what_is_gone_is_forgotten(store: Store, small_record: Record) -> None:
    """Records that somebody deletes leave the index; the others stay."""
    paths = [remember(store, small_record, night) for night in nights(2)]
    other = remember(store, small_record, "2026-01-01", seed=7)
    with History(store.root) as history:
        assert len(history.entries()) == 3
    shutil.rmtree(store.root / "records" / paths[0])
    shutil.rmtree(store.root / "records" / other.partition("/")[0])
    with History(store.root) as history:
        assert [entry.path for entry in history.entries()] == paths[1:]


def test_a_damaged_record_is_told_and_left_out(store: Store, small_record: Record) -> None:
    """It hides no other, and no question fails for it."""
    whole = remember(store, small_record, "2026-01-01")
    broken = remember(store, small_record, "2026-01-02")
    (store.root / "records" / broken / "record.json").write_text("{", encoding="ascii")
    with History(store.root) as history:
        assert [entry.path for entry in history.entries()] == [whole]
        assert [*history.damaged] == [broken]


@pytest.mark.parametrize("damage", ["", "no database", "another version", "other tables"])
def test_no_index_is_left_open(store: Store, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    """Python 3.13 warns of one that is; a session whose warnings are errors would fail."""
    connect, opened = sqlite3.connect, list[sqlite3.Connection]()
    store.root.mkdir()
    with History(store.root) as history:
        assert not history.entries()
    path = store.root / NAME
    if damage == "no database":
        path.write_bytes(bytes(range(256)) * 16)
    elif damage:
        with contextlib.closing(connect(path)) as index:
            index.execute("PRAGMA user_version = 1" if "version" in damage else "DROP TABLE uses")

    def recorded(*arguments: Any, **options: Any) -> sqlite3.Connection:
        opened.append(connect(*arguments, **options))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", recorded)
    if damage == "other tables":
        monkeypatch.setattr(
            History, "refresh", lambda self: self.index.execute("SELECT * FROM uses")
        )
        with pytest.raises(StoreError, match="cannot be used"):
            History(store.root)
    else:
        with History(store.root):
            pass
    assert opened
    for index in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            index.execute("SELECT 1")


def test_an_index_that_cannot_be_made_is_told(store: Store, small_record: Record) -> None:
    """The message says what to delete."""
    remember(store, small_record, "2026-01-01")
    (store.root / NAME).mkdir()
    with pytest.raises(StoreError, match=r"cannot be used\n.*\ndelete it"):
        History(store.root)


def test_filters(store: Store, small_record: Record) -> None:
    """By cell, first night, device and what is installed."""
    for index, night in enumerate(nights(4)):
        path = remember(store, small_record, night, packages={"torch": f"2.{index}"})
        tell(store, night, [path])
    with History(store.root) as history:
        assert len(history.entries(f"{SUITE}/*")) == 4
        assert history.entries("TestOther/*") == []
        assert [e.night for e in history.entries(since="2026-01-03")] == nights(2, "2026-01-03")
        assert [e.night for e in history.entries(package="torch<2.2")] == nights(2)
        assert history.entries(device="NVIDIA*") == []
        assert history.entries(package="unheard-of") == []


def test_it_can_be_taken_elsewhere(
    store: Store, small_record: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a table, JSON, CSV and Parquet, the same runs with typed columns."""
    for night in nights(2):
        tell(store, night, [remember(store, small_record, night, accuracy=0.5)])
    arguments = ["history", SUITE, "--store", str(store.root), "--format"]
    assert main([*arguments, "table"]) == 0
    assert f"2026-01-02  {SUITE}/{CELL}" in capsys.readouterr().out
    assert main([*arguments, "json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["accuracy"] for entry in entries] == [0.5, 0.5]
    assert main([*arguments, "csv"]) == 0
    rows = [*csv.DictReader(io.StringIO(capsys.readouterr().out))]
    assert [row["night"] for row in rows] == nights(2)
    path = tmp_path / "runs.parquet"
    assert main([*arguments, "parquet", "--output", str(path)]) == 0
    table = parquet.read_table(path)
    assert table.to_pylist() == entries
    assert str(table.schema.field("seed").type) == "int64"


def followed(
    store: Store,
    known: Sequence[Annotation] = (),
    reference: Reference | None = None,
    options: Sequence[str] = (),
) -> Trend:
    """The trend of the one cell."""
    with History(store.root) as history:
        trends = Trends(
            environments=history.environments(),
            annotations=known,
            most=limit([["accuracy"]] * 24),
            options=options,
        )
        return trends.of(f"{SUITE}/{CELL}", history.entries(), reference)


def a_month(store: Store, record: Record, fall: float, *, seeds: int = 1) -> None:
    """Sixteen nights, and eight more with another torch, that are worse."""
    draw = np.random.default_rng(0)
    for index, night in enumerate(nights(24)):
        for seed in range(seeds):
            remember(
                store,
                record,
                night,
                seed=42 + seed + index * (seeds > 1) * 10,
                accuracy=0.9 - fall * (index >= 16) + draw.normal(0, 0.004),
                packages={"torch": "2.1" if index >= 16 else "2.0"},
            )


def test_a_step_names_what_changed(store: Store, small_record: Record) -> None:
    """Where it moved, when that showed, what differs, and the command that finds who did it."""
    a_month(store, small_record, 0.03, seeds=3)
    (move,) = accuracy_of(followed(store)).moves
    assert accuracy_of(followed(store)).nights[move.at] == "2026-01-17"
    assert move.detection - move.at in {1, 2}
    assert not move.better
    assert move.before == pytest.approx(0.9, abs=0.004)
    assert move.after == pytest.approx(0.87, abs=0.008)
    assert move.changes == ("torch 2.0 → 2.1",)
    assert move.command == "harness gate torch==2.1 --base torch==2.0 --attribute"
    marks = followed(store).marks
    assert [(mark.night, mark.kind) for mark in marks] == [("2026-01-17", "environment")]


def test_without_a_step_there_is_none(store: Store, small_record: Record) -> None:
    """The same nights without the fall: the check can be silent."""
    a_month(store, small_record, 0.0, seeds=3)
    assert accuracy_of(followed(store)).moves == ()
    (band,) = accuracy_of(followed(store)).bands
    assert (band.start, band.stop) == (0, 24)


def test_a_known_change_is_no_step(store: Store, small_record: Record) -> None:
    """An annotation ends the regime, for the cells that it names."""
    a_month(store, small_record, 0.03, seeds=3)
    known = Annotation(night="2026-01-17", because="a smaller model", cells=f"{SUITE}/*")
    trend = followed(store, [known])
    assert accuracy_of(trend).moves == ()
    assert ("2026-01-17", "change", "a smaller model") in [
        (mark.night, mark.kind, mark.description) for mark in trend.marks
    ]
    other = Annotation(night="2026-01-17", because="x", cells="TestOther/*")
    assert len(accuracy_of(followed(store, [other])).moves) == 1


def test_equal_to_the_bit_says_nothing_new(store: Store, small_record: Record) -> None:
    """On a machine that computes alike, rounding moved one seed once: that is no step."""
    for index, night in enumerate(nights(30)):
        remember(store, small_record, night, accuracy=0.9 if index < 15 else 0.886)
        if index in {0, 15}:
            for seed, apart in ((7, 0.006), (8, -0.006)):
                remember(store, small_record, night, seed=seed + index, accuracy=0.9 + apart)
    assert accuracy_of(followed(store)).moves == ()


def reference(record: Record, night: str, accuracy: float) -> Reference:
    """What was accepted on a night."""
    accepted = Accepted(
        series=record.series,
        recipe={},
        runs=tuple(
            Run(
                seed=seed,
                record="",
                predictions="",
                metrics={"accuracy": accuracy + apart},
                samples_per_second=100.0,
            )
            for seed, apart in ((1, 0.0), (2, 0.003), (3, -0.003))
        ),
        losses=(),
        norms=(),
        environment={},
        night=night,
        when=f"{night}T04:00:00+00:00",
        command="",
        because="it is good",
    )
    return Reference(rolling=accepted, anchor=accepted)


@pytest.mark.parametrize(("a_night", "drifts"), [(0.0003, True), (0.0, False), (-0.0003, False)])
def test_slow_drift_is_told(
    store: Store, small_record: Record, a_night: float, *, drifts: bool
) -> None:
    """Many small losses add up against the anchor; nothing and small gains do not."""
    draw = np.random.default_rng(1)
    for index, night in enumerate(nights(75)):
        for seed in (2 * index, 2 * index + 1):
            accuracy = 0.9 - a_night * index + draw.normal(0, 0.003)
            remember(store, small_record, night, seed=seed, accuracy=accuracy)
    trend = followed(store, reference=reference(small_record, "2026-01-01", 0.9))
    assert bool(accuracy_of(trend).drifted) == drifts


def test_a_night_is_what_its_sessions_said_last(store: Store, small_record: Record) -> None:
    """A session of one cell leaves what another judged of others; one out of time says less."""
    path = remember(store, small_record, "2026-01-02")
    with History(store.root) as history:
        assert history.night() is None
        tell(store, "2026-01-01", [path], standing="regressed")
        tell(store, "2026-01-02", [path], cell="other", standing="same")
        tell(store, "2026-01-02", [path], standing="inconclusive", when="2026-01-02T05:00:00+00:00")
        tell(store, "2026-01-02", [], standing="not measured", when="2026-01-02T06:00:00+00:00")
        history.refresh()
        last = history.night()
        assert last is not None
        assert {cell.cell: cell.standing for cell in last.nights} == {
            "other": "same",
            CELL: "inconclusive",
        }
        earlier = history.night("2026-01-01")
        assert earlier is not None
        assert [cell.standing for cell in earlier.nights] == ["regressed"]


def test_the_trend_asks_the_gate_about_the_same_store(store: Store, small_record: Record) -> None:
    """Where the history is another's, its command names it, and the suites."""
    a_month(store, small_record, 0.03, seeds=3)
    options = [
        "--harness-store=/s",
        "--harness-scale=full",
        "--harness-set=seed=7",
        "--harness-least=1",
    ]
    given = rerun.for_history(options, ["suites/", "ours"])
    (move,) = accuracy_of(followed(store, options=given)).moves
    assert move.command.endswith("--attribute --harness-set=seed=7 --store=/s --suites=ours")


def test_the_trend_is_drawn(
    store: Store, small_record: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`harness report --trend` writes the page; without a session it says what to run."""
    arguments = ["report", str(tmp_path), "--trend", "--store", str(store.root)]
    arguments += ["--reports", str(tmp_path / "reports")]
    assert main(arguments) == 2
    assert "holds no session" in capsys.readouterr().err
    for night in nights(3):
        tell(store, night, [remember(store, small_record, night)], standing="same")
    assert main(arguments) == 0
    text = (tmp_path / "reports" / "trend.html").read_text(encoding="utf-8")
    assert f"{SUITE}/{CELL}" in text
    assert "2026-01-03" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[change]]\nbecause = 'x'\nnight = 'soon'", r":3: change.0.night: 'soon' is no date"),
        ("\n[[change]]\nnight = 2026-01-01", r":2: change.0.because: is missing"),
        ("\n[[chagne]]\n", r":2: chagne: unknown field 'chagne': did you mean 'change'"),
        ("\n[x", r"annotations.toml:2: is not TOML"),
    ],
)
def test_an_annotation_that_makes_no_sense_is_told(tmp_path: Path, text: str, message: str) -> None:
    """A date and a reason are needed; a date may be written as TOML's own."""
    path = tmp_path / annotations.NAME
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=message):
        annotations.load(path)
    path.write_text("[[change]]\nnight = 2026-01-01\nbecause = 'x'\n", encoding="utf-8")
    assert annotations.load(path) == (Annotation(night="2026-01-01", because="x"),)

"""The pages and what programs read: self-contained, escaped, drawn by a real browser."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from html import unescape
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import numpy as np
import pytest

from harness.core.batching import compose
from harness.core.collation import parse
from harness.core.record import Record
from harness.judge.benchmark.ranking import Entrant
from harness.judge.benchmark.row import Pace
from harness.judge.finding import Finding
from harness.judge.gate.allowlist import Allowance
from harness.judge.gate.bisect import Attribution, Culprit
from harness.judge.gate.packages import Change
from harness.judge.gate.paired_cell import Pair
from harness.judge.gate.workflow import Comparison
from harness.judge.node_id import NodeId
from harness.judge.plugin.notes import PACE
from harness.judge.reports import benchmark_page, broken, selection, session_table
from harness.judge.reports.comparison import as_json, lines, markdown, write
from harness.judge.reports.gate_page import page
from harness.judge.reports.rerun import Command
from harness.judge.reports.session_page import overview
from harness.judge.reports.svg import intervals
from harness.judge.session_parts import CellRow, Outcome
from harness.judge.session_record import SessionRecord

HOSTILE = "<script>document.title = 'owned'</script>"
SCHEMA = json.loads(files("harness.judge.reports").joinpath("gate.schema.json").read_text())
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
CELL = "TestSmall/bert-base-uncased-dynamic-trainer"
TEST = "TestSmall::test_labels_are_renamed[bert-base-uncased-dynamic-trainer]"


def comparison() -> Comparison:
    """A regression whose message comes from a hostile data set."""
    regression = Finding(
        stage="invariants",
        cell=CELL,
        name="test_labels_are_renamed",
        standing="regressed",
        message=HOSTILE,
        test=f"suites/test_small.py::{TEST}",
    )
    race = Finding(
        stage="throughput",
        cell=CELL,
        name="train",
        standing="regressed",
        message="train 1.050 [1.040, 1.060]",
        figures={"train mean": 1.05, "train low": 1.04, "train high": 1.06},
    )
    culprit = Culprit(package="transformers", good="4.57.6", bad="5.0.0")
    environment = {
        "executable": "/venv/bin/python",
        "python": "3.11.7",
        "platform": "Linux",
        "packages": {"torch": "2"},
    }
    return Comparison(
        base=environment,
        candidate=environment,
        changes=(Change(package="transformers", before="4.57.6", after="5.0.0", requested=True),),
        findings=(
            regression,
            Finding(
                stage="contracts", cell="", name="a call", standing="changed", message="is new"
            ),
            race,
        ),
        unneeded=(Allowance(id="training:*", because=HOSTILE),),
        pairs=(
            Pair(
                cell=CELL,
                base=(0.7, 0.6, 0.5),
                candidate=(0.7, float("nan"), 0.4),
                figures={"accuracy": (0.9, 0.8)},
                answers={"both": 31, "base only": 5, "candidate only": 1, "neither": 3},
                bit_equal=False,
            ),
        ),
        suites=("suites",),
        rebased=(Change(package="datasets", before="5.2.0", after="5.0.1", requested=False),),
        options=(
            "--harness-device=cuda",
            "--harness-store=/shared/s",
            "--harness-remote=file:///r",
        ),
        allowing=("--allowed=/ours.toml",),
        attributions=(
            Attribution(culprits=(culprit,), reason="", findings=(regression,)),
            Attribution(culprits=(), reason=HOSTILE, findings=(race,)),
        ),
        dragged=("base: datasets: 5.2.0 -> 5.0.1",),
    )


def session(record: Record) -> str:
    """The page of a session with one cell, a failure and a hostile data set."""
    suite, _, cell = CELL.partition("/")
    row = CellRow(
        suite=suite,
        suite_id=f"suites/test_small.py::{suite}",
        cell=cell,
        dataset=str(record.recipe.dataset),
        model=str(record.recipe.model),
        collation="dynamic",
        loop="trainer",
        scale="tiny",
        device="cpu",
        metrics={"accuracy": 0.8},
        samples_per_second=100.0,
        tokens_per_second=1000.0,
        padding=0.25,
        seconds=1.5,
        trained=True,
        record="",
        warnings=1,
    )
    measured = SessionRecord(
        night="2026-01-01",
        when="2026-01-01T00:00:00+00:00",
        verdict="1 cell measured",
        cells=(row,),
        tests={"failed": 2},
        outcomes={
            f"suites/test_small.py::{suite}::test_labels[{name}]": Outcome(
                outcome="failed", message=HOSTILE, expected="the model receives labels"
            )
            for name in (cell, f"distil{cell}")
        },
        not_measured={f"{HOSTILE}\nask for it": ("x",)},
        environment=comparison().base,
    )
    warned = replace(record, warnings=(HOSTILE,))
    return overview(measured, {row.name: warned}, Command(options=("--harness-set=seed=7",)))


def benchmark() -> str:
    """The page of a benchmark on data of a hostile name."""
    paces: list[Pace] = []
    baseline: tuple[float, ...] = ()
    for name, seconds in {"max_length": 2.0, "dynamic": 1.0}.items():
        strategy = parse(name)
        epoch = compose(np.asarray([4, 8, 16, 32]), strategy, batch_size=2, max_length=32)
        entrant = Entrant.of(strategy, epoch, batch_size=2, max_length=32, hidden=64)
        lap = {
            "seconds": seconds,
            "collating": 0.1,
            "laps": {"forward": seconds},
            "memory": 2**20,
            "graphs": 1,
            "breaks": 0,
            "kernel": "sdpa",
            "dropout": 0.1,
        }
        baseline = baseline or entrant.seconds([lap] * 3)
        paces.append(
            Pace(
                suite="TestPadding",
                data=HOSTILE,
                model="bert-base-uncased",
                scale="tiny",
                device="cpu",
                batch_size=2,
                max_length=32,
                precision="float32",
                compiled="eager",
                workers=0,
                pinned=False,
                threads=1,
                rank=entrant.rank("train", [lap], [lap] * 3, baseline),
            )
        )
    return benchmark_page.page([noted(pace) for pace in paces], {})


def noted(pace: Pace) -> Pace:
    """A pace as it arrives from another process: the same."""
    item: Any = SimpleNamespace(user_properties=[])
    PACE.add(item, pace)
    assert PACE.read({}) is None
    arrived = PACE.read(dict(item.user_properties))
    assert arrived == pace
    return arrived


def pages(record: Record) -> dict[str, str]:
    """A page of every kind, by its title."""
    return {
        "Gate: regressed": page(comparison()),
        "Session: failed": session(record),
        "Padding: measured": benchmark(),
    }


TITLES = ("Gate: regressed", "Session: failed", "Padding: measured")


@pytest.mark.parametrize("title", TITLES)
def test_the_page_needs_nothing_from_elsewhere(title: str, small_record: Record) -> None:
    """No script, no address, no text that is not escaped."""
    text = pages(small_record)[title]
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text
    assert not re.search(r"<script|https?://|src=|@import|url\(", text)


def test_the_page_says_how_to_see_it_again() -> None:
    """A regression comes with the command that shows it; the verdict comes first."""
    text = page(comparison())
    assert text.index("regressed") < text.index("Packages") < text.index("Cells")
    stores = "--harness-store=/shared/s --harness-remote=file:///r"
    options = f"--harness-python=/venv/bin/python --harness-device=cuda {stores}"
    assert f"pytest &#39;suites/test_small.py::{TEST}&#39; {options}" in text
    cell = CELL.partition("/")[2]
    assert f"pytest suites/test_small.py::TestSmall -k &#39;[{cell}]&#39; --harness" in text
    (again,) = re.findall("<pre>(harness gate .*)</pre>", text)
    assert again.startswith("harness gate --base-python /venv/bin/python --candidate-python")
    own = "--store=/shared/s --remote=file:///r --allowed=/ours.toml"
    assert again.endswith(f"--suites suites --harness-device=cuda {own}")


def test_every_regression_stands_below_its_culprit() -> None:
    """In the console, in Markdown and on the page; JSON names the findings."""
    result = comparison()
    blamed = "culprit: transformers 5.0.0; the last good release is 4.57.6"
    shown = f"invariants: test_labels_are_renamed in {CELL}"
    raced = f"throughput: train in {CELL}"
    console = "\n".join(lines(result))
    assert f"{blamed}\n    of {shown}\nno culprit: {HOSTILE}\n    of {raced}\n" in console
    for text in (markdown(result), unescape(page(result))):
        shown_text = re.sub(r"<.*?>|\*", "", text.replace(HOSTILE, "hostile"))
        places = [shown_text.index(x) for x in ("Culprit: tr", shown, "No culprit: hostile", raced)]
        assert places == sorted(places)
    assert [each["findings"] for each in as_json(result)["attributions"]] == [
        [f"invariants:{CELL}:test_labels_are_renamed"],
        [f"throughput:{CELL}:train"],
    ]


def test_a_core_package_that_moved_along_is_in_the_first_line() -> None:
    """In the console's verdict, the heading of Markdown, at the top of the page, and in JSON."""
    result, moved = comparison(), "datasets: 5.2.0 -> 5.0.1"
    assert [*lines(result)][-1] == f"verdict: regressed (dragged along: base: {moved})"
    assert markdown(result).splitlines()[0] == f"# Gate: regressed (dragged along: base: {moved})"
    assert f"- {moved}  (dragged along)" in markdown(result)
    text = unescape(page(result))
    assert text.index(f"base: {moved}") < text.index("Packages") < text.index(f"<li>{moved}")
    assert as_json(result)["dragged"] == [f"base: {moved}"]


def test_costs_are_drawn_on_one_axis() -> None:
    """A ratio stands to the right of the middle where the candidate costs more."""
    costs = intervals({"train": (1.05, 1.04, 1.06), "save": (0.9, 1 / 1.2, 1.0)})
    assert [round(part.middle) for part in costs] == [190, 63]
    assert (costs[1].left, costs[1].right) == (0.0, 150.0)
    assert "train 1.050 [1.040, 1.060]" in page(comparison())


def test_who_is_right_is_told() -> None:
    """The paired table: both, base only, candidate only, neither."""
    assert "right: both 31, base only 5, candidate only 1, neither 3" in page(comparison())


def test_a_session_says_how_to_see_it_again(small_record: Record) -> None:
    """Failures come first, one entry a cause with its command; every cell has its own."""
    text = session(small_record)
    assert text.index("failed") < text.index("Not measured") < text.index("Cells")
    cell = "bert-base-uncased-dynamic-trainer"
    test, again = f"suites/test_small.py::TestSmall::test_labels[{cell}]", "--harness-set=seed=7"
    assert text.count('<div class="cause">') == text.count("the model receives labels") == 1
    assert f"<li>TestSmall/distil{cell}: " in text
    assert f"<pre>pytest &#39;{test}&#39; {again}</pre>" in text
    assert f"pytest suites/test_small.py::TestSmall -k &#39;[{cell}]&#39; {again}" in text
    (points,) = re.findall(r'points="([^"]*)"', text)
    assert len(points.split()) == len(small_record.steps)


def test_a_benchmark_is_drawn_and_advises() -> None:
    """Bars, the fastest first, up to the limit; padding over lengths; what to use."""
    text = benchmark()
    assert text.index(">dynamic 2.00 [2.00, 2.00]<") < text.index(">max_length 1.00 [1.00, 1.00]<")
    assert "use dynamic (same batches): 2.00 times as fast as max_length" in text
    widths = [float(width) for width in re.findall(r'<rect[^>]* width="([^"]*)"', text)]
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.2)
    assert text.count("<polygon") == 2


def test_losses_that_are_not_finite_are_left_out() -> None:
    """Both curves share a scale; a NaN is a gap, not a broken drawing."""
    base, candidate = re.findall(r'points="([^"]*)"', page(comparison()))
    assert base == "0.0,14.0 150.0,38.0 300.0,62.0"
    assert candidate == "0.0,14.0 300.0,86.0"


def test_json_is_strict(tmp_path: Path) -> None:
    """A loss that is not finite is null in `gate.json`, which every reader of JSON accepts."""
    (path,) = (p for p in write(tmp_path, comparison()) if p.suffix == ".json")
    document = json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert document["pairs"][0]["candidate"] == [0.7, None, 0.4]
    jsonschema.validate(document, SCHEMA)
    document["findings"][0]["standing"] = "worse"
    with pytest.raises(jsonschema.ValidationError, match="'worse' is not one of"):
        jsonschema.validate(document, SCHEMA)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
@pytest.mark.parametrize("width", [360, 1100])
@pytest.mark.parametrize("title", TITLES)
def test_a_browser_draws_the_page(
    tmp_path: Path, width: int, title: str, small_record: Record
) -> None:
    """Chromium shows it on a phone's screen and a desk's, runs nothing of it, asks for nothing."""
    path, shot = tmp_path / "page.html", tmp_path / "page.png"
    path.write_text(pages(small_record)[title], encoding="utf-8")
    done = subprocess.run(
        [
            *(str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *(f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900"),
            *(f"--screenshot={shot}", "--dump-dom", path.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert f"<title>{title}</title>" in done.stdout
    assert "owned" not in done.stdout.partition("</title>")[0]
    assert shot.stat().st_size > 5_000


def test_a_cell_is_selected_without_its_namesakes(pytester: pytest.Pytester) -> None:
    """`bert-…` is not `distilbert-…`, nor `bert-…-2`; what -k cannot take selects the suite."""
    cells = ["bert-pad_to_multiple_of:8", "distilbert-pad_to_multiple_of:8", "a=b"]
    path = pytester.makepyfile(
        f"import pytest\n@pytest.mark.parametrize('cell', {[*cells, cells[0] + '-2']!r})\n"
        "class TestSmall:\n    def test_x(self, cell): pass\n"
    )
    suite = NodeId.parse(f"{path.name}::TestSmall::test_x[a::b]").suite_id
    assert suite == f"{path.name}::TestSmall"
    for cell, count in zip(cells, (1, 1, 4), strict=True):
        result = pytester.runpytest("-p", "no:harness", *selection.of_cell(suite, cell))
        result.assert_outcomes(passed=count)


def test_a_loss_that_no_test_shows_is_still_a_cause() -> None:
    """A test of no suite may have shown it first: the others stand for it."""
    lost = Outcome(outcome="error", message="m", lost="no torch")
    record = SessionRecord(night="2026-01-01", when="", outcomes={"test_x.py::TestX::test_y": lost})
    (line, *_) = broken.lines(record, Command())
    assert "no torch" in line
    assert broken.broken(record)[0].first == "test_x.py::TestX::test_y"


@pytest.mark.parametrize("advice", ["", "\nwait", "\nwait\nfor 6"])
def test_an_issue_may_have_any_advice(advice: str) -> None:
    """None, or several lines of it."""
    record = SessionRecord(night="2026-01-01", when="", known_issues={f"it fails{advice}": 2})
    text = session_table.markdown(record, Command())
    assert f"- it fails (2 tests){advice.replace(chr(10), chr(10) + '  ')}\n" in text


def test_a_session_that_only_timed_was_measured() -> None:
    """The page says so as the summary does."""
    record = SessionRecord(night="2026-01-01", when="", paces=({},))
    assert "<title>Session: passed</title>" in overview(record, {}, Command())

"""The trend page: what it tells, that it stays light and safe, and that its script works."""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from harness.judge.finding import Status
from harness.judge.nightly.trend import Line, Mark, Move, Trend, TrendBand
from harness.judge.reports.trend_page import LETTERS, page, write
from harness.judge.reports.trend_panel import BOTTOM, TOP, panel, shown
from tests.benchmarks.year_page import CHROMIUM, browse, year

HOSTILE = """<script>document.title = 'owned'</script>"><img onerror='x'>"""
NIGHTS = [(date(2026, 1, 1) + timedelta(days=day)).isoformat() for day in range(60)]
TONIGHT = NIGHTS[-1]
CELL = "TestMrpc/bert-base-uncased-dynamic-trainer"
COMMAND = "harness gate transformers==5.18.0 --base transformers==5.17.0 --attribute"

FRAME = """<!doctype html><title></title><body style="margin: 0">
<iframe width="{width}" height="900" style="border: 0" srcdoc="{page}"></iframe></body>"""
"""A screen: Chromium's own window is never narrower than 500 pixels while scripts run."""

DRIVE = """<script>
const observed = {};
const names = () => Array.from(document.querySelectorAll(".card"))
  .filter((card) => card.offsetHeight).map((card) => card.dataset.name);
const rows = () => Array.from(document.querySelectorAll("#matrix tbody tr"))
  .filter((row) => row.offsetHeight).map((row) => row.cells[0].textContent.trim());
const press = (key) => document.activeElement.dispatchEvent(
  new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const active = () => document.activeElement.id || document.activeElement.tagName;
const search = document.getElementById("search"), sort = document.getElementById("sort");
const type = (text) => { search.value = text; search.dispatchEvent(new Event("input")); };
const choose = (order) => { sort.value = order; sort.dispatchEvent(new Event("change")); };
observed.overflow = document.documentElement.scrollWidth - innerWidth;
observed.width = innerWidth;
observed.first = names();
for (const order of ["name", "suspicion", "moved", "standing"]) {
  choose(order);
  observed[order] = names();
}
observed.rows = rows();
press("/");
observed.slash = active();
type("mrpc trainer");
observed.mrpc = names();
observed.mrpcRows = rows();
observed.count = document.getElementById("count").value;
press("Enter");
observed.entered = active();
press("j");
observed.j = active();
press("k");
observed.k = active();
press("o");
observed.opened = document.activeElement.querySelector("details").open;
press("Enter");
observed.closed = !document.activeElement.querySelector("details").open;
press("ArrowRight");
observed.arrow = active();
type("early");
observed.figures = Array.from(document.querySelectorAll(".panel"))
  .filter((figure) => figure.offsetHeight).map((figure) => figure.dataset.figure);
type("nobody");
observed.nobody = names();
press("/");
press("Escape");
observed.all = names().length;
observed.left = active();
scrollTo(0, 0); // where the screenshot is taken
parent.document.title = JSON.stringify(observed);
</script>
"""


def line(*values: float, figure: str = "accuracy", **known: Any) -> Line:
    """A figure of the last nights, in one regime; parts of it may be given."""
    regime = TrendBand(start=0, stop=len(values), mean=0.9, low=0.89, high=0.91)
    whole: dict[str, Any] = {"bands": (regime,), "moves": (), "drifted": "", "suspicion": 0.0}
    nights = tuple(NIGHTS[len(NIGHTS) - len(values) :])
    return Line(figure=figure, nights=nights, values=values, **(whole | known))


def move(*, at: int, detection: int, better: bool = False) -> Move:
    """A step of two points."""
    after = 0.92 if better else 0.88
    return Move(
        at=at,
        detection=detection,
        before=0.9,
        after=after,
        better=better,
        changes=("transformers 5.17.0 → 5.18.0",),
        command=COMMAND,
    )


def trend(*lines: Line, standings: Mapping[str, Status] | None = None, cell: str = CELL) -> Trend:
    """A cell that is as it was, unless said otherwise."""
    return Trend(
        cell=cell,
        device="cpu",
        lines=lines or (line(*[0.9] * 60),),
        marks=(),
        standings=dict.fromkeys(NIGHTS, "same") if standings is None else standings,
    )


def hostile() -> Trend:
    """A cell of which all words come from somebody who means harm."""
    step = replace(move(at=3, detection=4), changes=(HOSTILE,), command=HOSTILE)
    return Trend(
        cell=HOSTILE,
        device=HOSTILE,
        lines=(line(*[0.9] * 9, figure=HOSTILE, moves=(step,)),),
        marks=(Mark(night=TONIGHT, kind="change", description=HOSTILE),),
        standings={TONIGHT: "regressed"},
    )


class Tags(HTMLParser):
    """Names of the tags and attributes of a page."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a tag."""
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)


def squares(text: str) -> list[str]:
    """Letters of the matrix, night by night."""
    body = text.partition("<tbody>")[2].partition("</tbody>")[0]
    return [re.sub(r"<.*?>", "", cell) for cell in re.findall(r"<td.*?</td>", body)]


def heights(curve: Line) -> list[int]:
    """Where the values of a figure are drawn."""
    drawn = panel(curve, NIGHTS)
    assert drawn is not None
    height, offsets = 0, []
    for pen, _, y in re.findall(r"([Ml])(-?\d+) ?(-?\d+)", drawn.path):
        height = int(y) if pen == "M" else height + int(y)
        offsets.append(height)
    return offsets


def test_the_page_needs_nothing_from_elsewhere() -> None:
    """No address, one script of our own, no text that is not escaped."""
    text = page([hostile()], NIGHTS)
    assert HOSTILE not in text
    assert html.escape(HOSTILE[:8]) in text
    assert text.count("<script") == 1
    assert not re.search(r"https?:|src=|@import|url\(|innerHTML|eval\(", text)


def test_words_of_others_make_no_tags() -> None:
    """Wherever a name or a word stands, it stays one."""
    known, seen = Tags(page([trend()], NIGHTS)), Tags(page([hostile()], NIGHTS))
    assert "img" not in seen.tags
    assert not [name for name in seen.attributes if name.startswith("on")]
    assert not known.tags - {*seen.tags}
    script = re.compile(r"<script>.*</script>", re.DOTALL)
    assert script.findall(page([trend()], NIGHTS)) == script.findall(page([hostile()], NIGHTS))


def test_a_move_tells_when_and_why() -> None:
    """Both nights, the figure in its units, the environment's changes, and what to do."""
    text = page([trend(line(*[0.9] * 60, moves=(move(at=57, detection=59),)))], NIGHTS)
    section = text.partition("What changed")[2].partition("Nights</h2>")[0]
    assert f"happened {NIGHTS[57]}, found {TONIGHT}" in section
    assert re.search(r"accuracy</td>.*0\.9000</td>.*→.*0\.8800</td>.*-2\.0 points", section)
    assert "<li>transformers 5.17.0 → 5.18.0</li>" in section
    assert f"<pre>{COMMAND}</pre>" in section


def test_what_came_together_is_told_once() -> None:
    """Cells that moved on one night under one change share its words and its command."""
    moved = line(*[0.9] * 60, moves=(move(at=58, detection=59),))
    text = page([trend(moved, cell=f"TestMrpc/{name}") for name in "abc"], NIGHTS)
    assert text.count(f"<pre>{COMMAND}</pre>") == 1
    assert [text.count(f'<a href="#c{card}">') for card in range(3)] == [2, 2, 2]


def test_the_newest_stands_first_and_harm_before_gain() -> None:
    """Older than thirty nights is folded."""
    moves = (
        move(at=5, detection=7),
        move(at=40, detection=41),
        move(at=57, detection=59, better=True),
        move(at=58, detection=59),
    )
    section = page([trend(line(*[0.9] * 60, moves=moves))], NIGHTS).partition("Nights</h2>")[0]
    places = [section.index(f"happened {NIGHTS[at]}") for at in (58, 57, 40, 5)]
    assert places == sorted(places)
    assert places[2] < section.index("<summary>1 event before") < places[3]


def test_the_baselines_regression_is_told_without_a_move() -> None:
    """Since when, and which figures are not where they usually are."""
    standings: dict[str, Status] = dict.fromkeys(NIGHTS, "same")
    standings |= dict.fromkeys(NIGHTS[-3:], "regressed")
    text = page([trend(line(*[0.9] * 59, 0.85), standings=standings)], NIGHTS)
    assert "regressed against the baseline" in text
    assert f"every night since {NIGHTS[-3]}" in text
    assert "-5.0 points" in text
    assert "Nothing that is recorded of the environment changed" in text


def test_a_drift_is_told() -> None:
    """From where it began to where it is."""
    values = [0.9 - 0.0005 * night for night in range(60)]
    text = page([trend(line(*values, drifted=TONIGHT))], NIGHTS)
    assert f"since the first night, {NIGHTS[0]}, found {TONIGHT}" in text
    assert squares(text)[-1] == LETTERS["drifted"]


@pytest.mark.parametrize(("nights", "columns"), [(60, 31), (31, 31), (3, 3)])
def test_the_matrix_has_tonight_and_thirty_nights(nights: int, columns: int) -> None:
    """A column a night, each under its date, a row a cell."""
    text = page([trend(), trend(cell="other")], NIGHTS[-nights:])
    dates = re.findall(r'<th scope="col" title="([^"]*)"', text)
    assert dates == NIGHTS[-columns:]
    assert len(squares(text)) == 2 * columns
    assert text.count('<th scope="row">') == 2


def test_every_standing_has_a_letter_of_its_own() -> None:
    """Colour alone tells nothing; the title says cell, night, standing and why."""
    known: list[Status] = ["same", "changed", "fixed", "known", "allowed"]
    known += ["regressed", "inconclusive", "not measured"]
    nights = NIGHTS[-len(known) :]
    text = page([trend(standings=dict(zip(nights, known, strict=True)))], nights)
    assert squares(text) == [LETTERS[standing] for standing in known]
    assert len({*LETTERS.values()}) == len(LETTERS)
    assert f'title="{CELL}, {nights[5]}: regressed, against the baseline"' in text


def test_a_square_says_the_worst() -> None:
    """Moves count on the night that showed them; a night without runs is blank."""
    moved = line(*[0.9] * 4, moves=(move(at=0, detection=1), move(at=2, detection=3, better=True)))
    nights = NIGHTS[-5:]
    standings: dict[str, Status] = {nights[night]: "same" for night in (1, 2, 4)}
    text = page([trend(moved, standings=standings)], nights)
    assert squares(text) == ["", "·", "R", "O", "+"]
    assert f"regressed, accuracy 0.9000 → 0.8800 since {nights[1]}" in text


@pytest.mark.parametrize(
    ("verdict", "trends"),
    [
        ("pass", [trend()]),
        ("pass", [trend(line(*[0.9] * 60, moves=(move(at=1, detection=59, better=True),)))]),
        ("regressed", [trend(), trend(standings={TONIGHT: "regressed"})]),
        ("regressed", [trend(line(*[0.9] * 60, moves=(move(at=50, detection=59),)))]),
        ("regressed", [trend(line(*[0.9] * 60, drifted=TONIGHT))]),
        ("pass", [trend(line(*[0.9] * 60, moves=(move(at=50, detection=58),)))]),
        ("inconclusive", [trend(), trend(standings={TONIGHT: "inconclusive"})]),
        ("inconclusive", [trend(), trend(standings={})]),
        ("not measured", [trend(standings={TONIGHT: "not measured"})]),
        ("not measured", [trend(standings={})]),
        ("not measured", []),
    ],
)
def test_the_verdict_is_tonights(verdict: str, trends: list[Trend]) -> None:
    """What is known of tonight, and no pass without a baseline."""
    assert f"<title>Trend: {verdict}</title>" in page(trends, NIGHTS)


def test_no_history_is_no_pass() -> None:
    """Nor is it an error."""
    text = page([], [])
    assert "<title>Trend: not measured</title>" in text
    assert "there is no history" in text


def test_one_wild_night_does_not_flatten_the_rest() -> None:
    """It is off the scale, which the drawing says; a loss that is no number is a gap."""
    values = [0.9 + 0.004 * (night % 5 - 2) for night in range(60)]
    calm = heights(line(*values))
    assert max(calm) - min(calm) > 0.8 * (BOTTOM - TOP)
    values[30], values[40] = 41.0, float("nan")
    drawn = heights(line(*values))
    assert drawn[30] == TOP
    assert drawn[:30] + drawn[31:] == calm[:30] + calm[31:40] + calm[41:]
    assert f"off the scale: {NIGHTS[30]} 41.0000, {NIGHTS[40]} nan" in page(
        [trend(line(*values))], NIGHTS
    )


def test_regimes_far_apart_are_both_seen() -> None:
    """What stays is no wild night, however short it has been there."""
    bands = [
        TrendBand(start=s, stop=e, mean=m, low=m, high=m) for s, e, m in ((0, 58, 1), (58, 60, 9))
    ]
    drawn = heights(line(*[1.0] * 58, *[9.0] * 2, bands=tuple(bands)))
    assert TOP < drawn[-1] < drawn[0] < BOTTOM


def test_the_line_is_lifted_over_long_gaps() -> None:
    """A night without neighbours is a dot."""
    nights = (NIGHTS[0], NIGHTS[1], NIGHTS[40], TONIGHT)
    drawn = panel(replace(line(0.9, 0.9, 0.9, 0.9), nights=nights), NIGHTS)
    assert drawn is not None
    assert re.findall(r"[Mhl]", drawn.path) == [*"MhlMhMh"]
    assert drawn.path.startswith("M0 ")
    assert "M1000 " in drawn.path


def test_figures_have_their_units() -> None:
    """Shares, bytes, speeds."""
    assert shown("accuracy", 0.89712) == "0.8971"
    assert shown("memory", 1_310_000_000) == "1,310 MB"
    assert shown("samples_per_second", 1412.4) == "1,412"
    assert shown("samples_per_second", 3.25) == "3.2"
    assert shown("padding", 0.2351) == "23.5%"
    assert shown("loss", float("inf")) == "inf"


def test_a_year_is_light(tmp_path: Path) -> None:
    """24 cells, six figures, 365 nights: far below five megabytes."""
    (written,) = write(tmp_path, *year())
    assert written.name == "trend.html"
    assert written.stat().st_size < 1_500_000


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
@pytest.mark.parametrize("width", [360, 1100])
def test_a_browser_draws_sorts_and_searches(tmp_path: Path, width: int) -> None:
    """Chromium shows a year, within the screen's width, and its keys do what they say."""
    path, shot = tmp_path / "trend.html", tmp_path / "page.png"
    trends, nights = year()
    driven = page(trends, nights).replace("</body>", f"{DRIVE}</body>")
    path.write_text(FRAME.format(width=width, page=html.escape(driven)), encoding="utf-8")
    text = browse(path, tmp_path / "profile", f"--screenshot={shot}", f"--window-size={width},900")
    observed = json.loads(html.unescape(text.partition("<title>")[2].partition("</title>")[0]))
    assert shot.stat().st_size > 5_000
    assert observed["width"] == width
    assert observed["overflow"] <= 0

    cells = sorted(f"{one.cell} {one.device}" for one in trends)
    assert observed["name"] == cells
    assert observed["standing"] == observed["first"] != cells
    assert observed["standing"][0].startswith("TestMrpc/bert-base-uncased-dynamic-trainer")
    assert observed["suspicion"][0].startswith(
        "TestMrpc/distilbert-base-uncased-dynamic-accelerate"
    )
    assert observed["moved"][0].startswith("TestMrpc/bert-base-uncased-dynamic-trainer")
    assert observed["moved"][2].startswith("TestImdb/distilbert-base-uncased-max_length-trainer")
    assert [name.split()[0] for name in observed["standing"]] == observed["rows"]

    assert observed["slash"] == "search"
    assert len(observed["mrpc"]) == len(observed["mrpcRows"]) == 4
    assert observed["count"] == "4 of 24 cells"
    assert observed["entered"] == observed["k"] != observed["j"] == observed["arrow"]
    assert observed["opened"]
    assert observed["closed"]
    assert observed["figures"] == ["early loss"] * 24
    assert (observed["nobody"], observed["all"], observed["left"]) == ([], 24, "BODY")

"""Nights, through the public door: trained once, accepted, and then broken on purpose."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from harness.core.record import Record
from harness.judge.document import Document
from harness.judge.nightly.baseline import NAME as BASELINES
from harness.judge.repository import revision
from harness.judge.session_parts import Outcome, Revision
from harness.judge.session_record import SessionRecord
from harness.judge.store.local import Store
from harness.judge.tonight import Tonight
from tests.conftest import SMALL_SUITE
from tests.declared_metric import declare
from tests.years import remember, tell

CELL = "TestSmall/bert-base-uncased-dynamic-trainer"
NIGHT = "2026-11-01"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a command answered: its exit code and its output."""

    code: int
    printed: str


@dataclass(frozen=True, kw_only=True, slots=True)
class House:
    """A project with the small suite, whose night is trained once."""

    folder: Path
    options: tuple[str, ...] = ()

    @property
    def baselines(self) -> Path:
        """The file."""
        return self.folder / "suites" / "baselines.json"

    def night(self, *arguments: str, night: str = NIGHT) -> Answer:
        """Run pytest; what a night has is not trained again."""
        options = (
            "suites",
            "-m",
            "nightly",
            "-q",
            "--harness-scale=tiny",
            f"--harness-night={night}",
            *self.options,
        )
        return self._run("-m", "pytest", *options, *arguments)

    def harness(self, *arguments: str) -> Answer:
        """Run a command."""
        return self._run("-m", "harness.judge.cli", *arguments)

    def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change what was accepted."""
        baselines = json.loads(self.baselines.read_text(encoding="utf-8"))
        for by_device in baselines["cells"].values():
            for reference in by_device.values():
                change(reference["rolling"])
        self.baselines.write_text(json.dumps(baselines), encoding="utf-8")

    def _run(self, *arguments: str) -> Answer:
        """Run Python in the project."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return Answer(code=done.returncode, printed=done.stdout + done.stderr)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, Answer]:
    """The project, and what its first night printed."""
    folder = tmp_path_factory.mktemp("house")
    (folder / "suites").mkdir()
    sources = declare(folder / "suites", tmp_path_factory.mktemp("ours"))
    house = House(folder=folder, options=(sources,))
    suite = house.folder / "suites" / "test_small.py"
    suite.write_text(SMALL_SUITE, encoding="utf-8")
    return house, house.night()


@pytest.fixture(scope="module")
def accepted(trained: tuple[House, Answer]) -> str:
    """The baselines that accepting the first night writes."""
    house, _ = trained
    answer = house.harness("baseline", "accept", "--because", "it is the first")
    assert answer.printed == f"accepted: {CELL}\n"
    return house.baselines.read_text(encoding="utf-8")


@pytest.fixture
def house(trained: tuple[House, Answer], accepted: str) -> House:
    """The project, with its first night accepted."""
    house, _ = trained
    house.baselines.write_text(accepted, encoding="utf-8")
    return house


def test_a_first_night_is_no_pass(trained: tuple[House, Answer]) -> None:
    """Nothing was accepted: nothing is measured, and the command that accepts is printed."""
    _, answer = trained
    assert answer.code == 5
    assert f'harness baseline accept {CELL} --because "…"' in answer.printed
    assert "too little was measured: 0% of 1 nightly cells, and --harness-least is 50%" in (
        answer.printed
    )


def test_what_was_accepted_holds(house: House) -> None:
    """The same night again: nothing trains, and it is equal to the last bit."""
    answer = house.night()
    assert answer.code == 0, answer.printed
    assert "night: 1 as accepted" in answer.printed
    assert "trained" not in answer.printed
    listed = house.harness("baseline", "list").printed
    assert f"{CELL}  " in listed
    assert "of 3 runs" in listed
    assert "because it is the first" in listed
    (shown,) = json.loads(house.harness("baseline", "show").printed)
    assert shown["rolling"] == shown["anchor"]
    assert len({run["seed"] for run in shown["rolling"]["runs"]}) == 3
    assert house.harness("baseline", "diff").code == 0


def test_another_night_trains_anew(house: House) -> None:
    """A night of another date has runs of its own, equal on a machine that computes alike."""
    answer = house.night("-k", "baseline", night="2026-11-02")
    assert answer.code == 0, answer.printed
    assert "trained" in answer.printed
    assert "night: 1 as accepted" in answer.printed
    nights = json.loads(house.harness("history", "--format", "json").printed)
    assert [entry["night"] for entry in nights] == [NIGHT] * 3 + ["2026-11-02"]


def test_other_first_steps_are_regressed(house: House) -> None:
    """A loss that is not what was accepted fails, names the step, and tells the same everywhere."""

    def change(rolling: dict[str, Any]) -> None:
        rolling["losses"][2] += 0.01
        rolling["runs"][0]["predictions"] = "other"
        rolling["environment"]["torch"] = "0.1"

    house.edit(change)
    (house.folder / ".harness").rename(house.folder / "our store")
    answer = house.night("--harness-store=our store")
    assert answer.code == 1
    assert "REGRESSED: loss of step 3 was" in answer.printed
    assert f"to accept: harness baseline accept {CELL}" in answer.printed
    message = house.harness("notify", "--store=our store")
    assert message.code == 1
    assert "Night 2026-11-01: 1 regressed" in message.printed
    marked = house.harness("notify", "--store=our store", "--format", "markdown").printed
    assert "### Regressed\n\n- `TestSmall/" in marked
    difference = house.harness("baseline", "diff", "--store=our store")
    assert difference.code == 1
    for answered in (message, difference):
        assert f"{CELL} '--store=our store' --because" in answered.printed
    assert "loss of step 3 was" in difference.printed
    assert "since then: torch 0.1 → " in difference.printed
    (printed,) = (x for x in answer.printed.splitlines() if x.startswith("    to accept: harness"))
    assert house.harness(*shlex.split(printed)[3:]).printed == f"accepted: {CELL}\n"
    (house.folder / "our store").rename(house.folder / ".harness")
    assert house.night().code == 0


def test_every_compared_metric_is_accepted_and_judged(house: House) -> None:
    """A metric that only this project knows is accepted, and a night says when it is worse."""
    (shown,) = json.loads(house.harness("baseline", "show").printed)
    for run in shown["rolling"]["runs"]:
        assert set(run["metrics"]) == {"accuracy", "f1", "matthews_correlation", "loss"}

    def change(rolling: dict[str, Any]) -> None:
        rolling["runs"][0]["predictions"] = "other"
        for run in rolling["runs"]:
            run["metrics"]["matthews_correlation"] += 0.9

    assert "matthews_correlation" in house.harness("baseline", "list").printed
    house.edit(change)
    answer = house.night("-k", "baseline")
    assert answer.code == 1, answer.printed
    (moved,) = set(re.findall("matthews_correlation .* may be lost", answer.printed))
    assert re.fullmatch(
        r".* by -0\.9000 \[.*\] run by run, over 3 and 3 runs; 0.02 may be lost", moved
    )
    (line,) = set(re.findall("accuracy .* may be lost", answer.printed))
    assert "run by run" not in line


def test_every_declared_metric_has_thresholds(house: House) -> None:
    """What it reached holds, more than that is missed, and other data sets have no such metric."""
    suite = house.folder / "suites" / "test_small.py"
    selection = ("-k", "metrics_reach", "-rs")
    text, reached = suite.read_text(encoding="utf-8"), "accuracy=0.0, matthews_correlation="
    try:
        suite.write_text(text.replace("accuracy=0.0", f"{reached}-0.99"), encoding="utf-8")
        assert "1 passed" in house.night(*selection).printed
        suite.write_text(text.replace("accuracy=0.0", f"{reached}0.999"), encoding="utf-8")
        missed = house.night(*selection)
        assert "matthews_correlation" in missed.printed, missed.printed
        assert missed.code == 1, missed.printed
        suite.write_text(text.replace("glue/mrpc", "imdb"), encoding="utf-8")
        refused = house.night("--harness-set=matthews_correlation=0.5", "--collect-only")
    finally:
        suite.write_text(text, encoding="utf-8")
    refusal = "--harness-set unknown threshold of imdb 'matthews_correlation'"
    assert refusal in refused.printed
    assert "valid: accuracy, f1, loss, margin" in refused.printed


def test_another_recipe_is_not_compared(house: House) -> None:
    """What was accepted of another recipe is refused, and the field that changed is named."""

    def change(rolling: dict[str, Any]) -> None:
        rolling["recipe"]["learning_rate"] = 0.1
        rolling["series"] = "other"

    house.edit(change)
    answer = house.night("-k", "baseline")
    assert answer.code == 5
    assert "what was accepted is another recipe: learning_rate 0.1 → 0.0006" in answer.printed


def test_another_device_is_not_compared(house: House) -> None:
    """What was accepted on another class of devices is no reference here."""
    text = house.baselines.read_text(encoding="utf-8")
    baselines = json.loads(text)
    (device,) = baselines["cells"][CELL]
    house.baselines.write_text(text.replace(f'"{device}"', '"NVIDIA H100"'), encoding="utf-8")
    answer = house.night("-k", "baseline")
    assert answer.code == 5
    assert "nothing was accepted of it on this device, only on NVIDIA H100" in answer.printed


def test_a_budget_leaves_cells_out_by_name(house: House) -> None:
    """What the time does not suffice for is not measured, and the session fails."""
    answer = house.night("--harness-budget=0.001")
    assert answer.code == 5
    assert f"NOT MEASURED: the budget of 0.001 s is used up\n    {CELL}" in answer.printed
    assert " passed" not in answer.printed


def test_a_step_fails_until_it_is_explained(house: House, tmp_path: Path) -> None:
    """Three nights worse than twenty before: the trend fails, whatever was never accepted."""
    (shown,) = json.loads(house.harness("baseline", "show").printed)
    own = shown["rolling"]["runs"][0]["record"]
    stepped = House(folder=tmp_path / "stepped", options=house.options)
    shutil.copytree(house.folder, stepped.folder)
    stepped.baselines.unlink()
    store = Store(stepped.folder / ".harness")
    record = Record.read(store.root / "records" / own)
    for index in range(1, 24):
        night, worse = f"2026-10-{index + 8:02}", index > 20
        paths = [
            remember(
                store,
                record,
                night,
                seed=10 * index + seed,
                accuracy=(0.85 if worse else 0.95) + seed / 200,
                speed=0.5 if worse else 1.0,
                packages={"torch": "2.1" if worse else "2.0"},
            )
            for seed in range(3)
        ]
        tell(store, night, paths)
    answer = stepped.night()
    assert answer.code == 1, answer.printed
    assert "MOVED FOR THE WORSE: accuracy went from 0.955 to 0.85" in answer.printed
    assert " on 2026-10-29" in answer.printed
    assert "samples_per_second" not in answer.printed  # a CPU's speed is on the page alone
    assert "harness gate torch==2.1 --base torch==2.0 --attribute" in answer.printed
    known = stepped.folder / "suites" / "annotations.toml"
    known.write_text("[[change]]\nnight = 2026-10-29\nbecause = 'a smaller model'\n", "utf-8")
    answer = stepped.night("-k", "trend")
    assert "MOVED" not in answer.printed
    assert "1 passed" in answer.printed


def test_nights_are_shared(house: House, tmp_path: Path) -> None:
    """What one runner has stored, another takes from the shared store, and trains nothing."""
    remote = f"--harness-remote=file://{tmp_path / 'shared'}"
    assert house.night(remote).code == 0
    other = House(folder=tmp_path / "other", options=house.options)
    shutil.copytree(house.folder / "suites", other.folder / "suites")
    answer = other.night(remote)
    assert answer.code == 0, answer.printed
    assert "night: 1 as accepted" in answer.printed
    assert "trained" not in answer.printed
    history = other.harness("history", "--remote", remote.partition("=")[2], "--format", "json")
    assert len(json.loads(history.printed)) >= 3


def test_nights_arrive_from_other_processes(house: House) -> None:
    """From a process of pytest-xdist come the same summary, session and exit code."""
    answer = house.night("-n", "1")
    assert answer.code == 0, answer.printed
    assert "night: 1 as accepted" in answer.printed


LOOPS = "    matrix = Matrix(loop=['trainer', 'pytorch', 'accelerate'])\n"


def test_what_tells_most_goes_first(tmp_path: Path, small_record: Record) -> None:
    """Suspicious cells, then those never measured, then those not measured for longest."""
    house = House(folder=tmp_path)
    (tmp_path / "suites").mkdir()
    suite = SMALL_SUITE.replace("import Recipe", "import Matrix, Recipe") + LOOPS
    (tmp_path / "suites" / "test_small.py").write_text(suite, encoding="utf-8")
    store, cell = Store(tmp_path / ".harness"), "bert-base-uncased-dynamic"
    for index in range(1, 15):
        night = f"2026-10-{index:02}"
        for loop, accuracy in (("trainer", 0.9), ("accelerate", 0.9 if index < 14 else 0.8)):
            paths = [
                remember(store, small_record, night, seed=seed, accuracy=accuracy + seed % 3 / 100)
                for seed in range(index * 10 + 100 * len(loop), index * 10 + 100 * len(loop) + 3)
            ]
            tell(store, night, paths, cell=f"{cell}-{loop}")
    answer = house.night("--harness-stored", "-vv", "-k", "baseline")
    ran = re.findall(r"test_baseline_holds\[bert-base-uncased-dynamic-(\w+)\]", answer.printed)
    assert [*dict.fromkeys(ran)] == ["accelerate", "pytorch", "trainer"], answer.printed


def test_an_update_accepts(house: House) -> None:
    """`--harness-update` takes what differs; `--harness-update-new-only` leaves what is known."""
    house.edit(lambda rolling: rolling.update(series="other"))
    kept = house.baselines.read_text(encoding="utf-8")
    assert house.night("--harness-update-new-only").code == 5
    assert house.baselines.read_text(encoding="utf-8") == kept
    answer = house.night("--harness-update", "--harness-because=a new recipe")
    assert answer.code == 0, answer.printed
    assert f"accepted: {CELL}" in answer.printed
    assert "because a new recipe" in house.harness("baseline", "list").printed
    house.baselines.unlink()
    assert house.night("--harness-update-new-only").code == 0
    assert house.night().code == 0


def test_a_plain_session_asks_for_no_night(house: House) -> None:
    """Without `-m nightly` one skip says how to ask; nothing is compared."""
    answer = house._run(  # noqa: SLF001 - a session that is no night
        "-m", "pytest", "suites", "-k", "baseline or trend", "--harness-scale=tiny", "-rs"
    )
    assert "several seeds beside what was accepted: ask for them with -m nightly" in answer.printed
    assert "night:" not in answer.printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["baseline", "accept"], "nothing says why it is accepted"),
        (["baseline", "accept", "TestSmal/*", "--because", "x"], "unknown cell of night"),
        (["baseline", "show", "TestOther/*"], "unknown cell 'TestOther/*'"),
        (["baseline", "diff", "--store", "nowhere"], "nowhere holds no night"),
        (["baseline", "list", "--suites", "nowhere"], "there is no baselines.json in nowhere"),
        (["notify", "--night", "1999-01-01"], "the store holds no such night"),
        (["history", "--since", "yesterday"], "'yesterday' is no date"),
        (["history", "--package", "=="], "'==' is no requirement"),
        (["history", "--format", "parquet"], "Parquet is not printed"),
        (["history", "--remote", "nowhere"], "'nowhere' is no address of a shared store"),
    ],
)
def test_what_makes_no_sense_is_told(house: House, arguments: list[str], message: str) -> None:
    """Usage exits with 2, and says what to do."""
    answer = house.harness(*arguments)
    assert answer.code == 2, answer.printed
    assert message in answer.printed


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--harness-night=today", "argument --harness-night: 'today' is no date; write it as"),
        ("--harness-least=50", "argument --harness-least: 50.0 is too large; give 1 or less"),
    ],
)
def test_a_session_that_makes_no_sense_is_told(house: House, argument: str, message: str) -> None:
    """Pytest says so before anything runs."""
    answer = house.night(argument)
    assert answer.code == 4
    assert message in answer.printed


def test_a_project_cannot_update_by_itself(house: House) -> None:
    """Settings that accept belong to the command line: a table may not hold them."""
    table = house.folder / "pyproject.toml"
    table.write_text("[tool.harness]\nupdate = true\n", encoding="utf-8")
    answer = house.night()
    table.unlink()
    assert answer.code == 4
    assert "unknown [tool.harness] key 'update'" in answer.printed


def test_a_night_that_was_not_clean_is_not_accepted(house: House) -> None:
    """Neither what is not committed nor what fails a test becomes a baseline, and it says why."""
    paths = (house.folder / ".harness" / "sessions" / NIGHT).glob("*/session.json")
    sessions = [SessionRecord.decode(Document.read(path)) for path in paths]
    clean = next(session for session in sessions if session.nights and session.nights[0].records)
    regressed = replace(clean, nights=(replace(clean.nights[0], standing="regressed"),))
    _seal(house, replace(regressed, revision=Revision(dirty=("model.py",))), "later-1")
    refused = house.harness("baseline", "accept", "--because", "x")
    assert refused.code == 1
    assert "measured with changes that are not committed: model.py" in refused.printed
    suite, cell = CELL.split("/")
    test = f"suites/test_small.py::{suite}::test_labels_are_renamed[{cell}]"
    failed = {
        test: Outcome(outcome="failed"),
        test.replace("small", "o"): Outcome(outcome="passed"),
    }
    _seal(house, replace(regressed, outcomes=failed), "later-2")
    refused = house.harness("baseline", "accept", "--because", "x")
    assert "not accepted: TestSmall" in refused.printed
    assert "test_labels_are_renamed failed" in refused.printed
    few = replace(regressed.nights[0], records=regressed.nights[0].records[:1])
    _seal(house, replace(regressed, nights=(few,)), "later-3")
    assert (
        "a spread takes 3 runs, and it has 1"
        in house.harness("baseline", "accept", "--because", "x").printed
    )
    for path in (house.folder / ".harness" / "sessions" / NIGHT).glob("later-*"):
        (path / "session.json").unlink()


def test_what_is_not_committed_is_known(tmp_path: Path) -> None:
    """Changed files of a repository are named, but for the baselines; elsewhere there are none."""
    assert revision(tmp_path, BASELINES) == Revision()
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x", "--allow-empty"]):
        (tmp_path / "model.py").write_text("", encoding="ascii")
        (tmp_path / "baselines.json").write_text("", encoding="ascii")
        identity = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True)  # noqa: S607 - any git
    assert revision(tmp_path, BASELINES).dirty == ()
    assert len(revision(tmp_path, BASELINES).commit) == 40
    (tmp_path / "baselines.json").write_text("changed", encoding="ascii")
    (tmp_path / "model.py").write_text("changed", encoding="ascii")
    assert revision(tmp_path, BASELINES).dirty == ("model.py",)


def test_a_record_that_is_gone_is_told(house: House) -> None:
    """What a session names and the store has lost is no baseline, and no traceback."""
    lost = Tonight(
        suite="TestSmall",
        cell=CELL.partition("/")[2],
        file="suites/test_small.py",
        device="none",
        standing="regressed",
        message="",
        records=("gone/gone/gone",) * 3,
    )
    _seal(house, SessionRecord(night=NIGHT, when="", nights=(lost,)), "later-9")
    answer = house.harness("baseline", "accept", "--because", "x")
    (house.folder / ".harness" / "sessions" / NIGHT / "later-9" / "session.json").unlink()
    (house.folder / ".harness" / "history.sqlite").unlink()
    assert answer.code == 2
    assert "the record gone/gone/gone is gone from the store" in answer.printed


def _seal(house: House, session: SessionRecord, name: str) -> None:
    """Store a session that ended later than all others."""
    later = replace(session, when=f"2099-01-01T00:00:0{name[-1]}+00:00")
    with Store(house.folder / ".harness").seal(f"sessions/{NIGHT}/{name}") as folder:
        (folder / "session.json").write_text(json.dumps(later.to_json()), encoding="utf-8")

"""A session's record: read as it was written, of the version before too, or refused in one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.judge.cli.__main__ import main
from harness.judge.distance import Distance
from harness.judge.document import Document
from harness.judge.node_id import NodeId
from harness.judge.session_parts import CellRow, Outcome, Revision
from harness.judge.session_record import NAME, SessionRecord
from harness.judge.tonight import Tonight

NIGHT = "2026-11-01"
CELL = "bert-base-uncased-dynamic-trainer"
TEST = f"suites/test_small.py::TestSmall::test_labels_are_renamed[{CELL}]"

VERSION_1: dict[str, Any] = {
    "version": 1,
    "night": NIGHT,
    "when": f"{NIGHT}T04:00:00+00:00",
    "command": "pytest suites -m nightly",
    "revision": {"commit": "c" * 40, "dirty": []},
    "environment": {"python": "3.11.7", "packages": {"transformers": "5.23.0"}},
    "cells": [
        {
            "suite": "TestSmall",
            "cell": CELL,
            "device": "avx2",
            "runs": [{"record": "small/key/one"}, {"record": "small/key/two"}],
            "file": "suites/test_small.py",
            "standing": "regressed",
            "words": "accuracy was 0.9, is 0.8",
            "worsened": [],
            "improved": [],
            "failed": ["test_labels_are_renamed"],
        },
        {
            "suite": "TestOther",
            "cell": CELL,
            "device": "avx2",
            "runs": [{"record": "other/key/one"}],
            "failed": [],
        },
    ],
    "not_measured": {"full scale: ask for it with -m gpu": ["suites/test_x.py::TestXbert-full"]},
}
"""What the store kept of a session before records were typed."""


def full() -> SessionRecord:
    """A record with something in every part."""
    distance = Distance(
        figure="loss", value=2.0, expected=1.0, place=1, apart=float("inf"), mean=1.0, band=0.1
    )
    return SessionRecord(
        night=NIGHT,
        when=f"{NIGHT}T04:00:00+00:00",
        command="pytest suites",
        revision=Revision(commit="c" * 40, dirty=("model.py",)),
        verdict="1 cells measured",
        cells=(
            CellRow(
                suite="TestSmall",
                suite_id="suites/test_small.py::TestSmall",
                cell=CELL,
                dataset="glue/mrpc",
                model="bert-base-uncased",
                collation="dynamic",
                loop="trainer",
                scale="tiny",
                device="cpu",
                metrics={"accuracy": 0.9, "f1": None},
                samples_per_second=1.0,
                tokens_per_second=2.0,
                padding=0.25,
                seconds=3.0,
                trained=True,
                record="small/key/one",
                warnings=0,
            ),
        ),
        nights=(
            Tonight(
                suite="TestSmall",
                cell=CELL,
                file="suites/test_small.py",
                device="avx2",
                standing="regressed",
                message="worse",
                records=("small/key/one",),
            ),
        ),
        records={f"TestSmall/{CELL}": ("small/key/one",)},
        tests={"failed": 1, "passed": 1},
        outcomes={
            TEST: Outcome(outcome="failed", message="no", distances=(distance.to_json(),)),
            TEST.replace("labels", "columns"): Outcome(outcome="passed"),
        },
        not_measured={"full scale": ("suites/test_small.py::TestSmall[bert-full]",)},
        noise={"DOUBLE": 1e-15, "SINGLE": None},
        environment={"python": "3.11.7", "packages": {"torch": "2.13.0"}, "variables": {}},
    )


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Path]:
    """Puts a session into the store of an empty repository, as it stands; returns its file."""
    monkeypatch.chdir(tmp_path)

    def keep(session: Any, night: str = NIGHT) -> Path:
        folder = tmp_path / ".harness" / "sessions" / night / "session"
        folder.mkdir(parents=True)
        path = folder / NAME
        text = session if isinstance(session, str) else json.dumps(session, indent=1)
        path.write_text(text, encoding="utf-8")
        return path

    return keep


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Every part of it, and what the history needs of it: no passed test, no row."""
    path = tmp_path / NAME
    path.write_text(json.dumps(full().to_json(), indent=1, allow_nan=False), encoding="utf-8")
    assert SessionRecord.decode(Document.read(path)) == full()
    history = full().for_history()
    assert (history.cells, [*history.outcomes]) == ((), [TEST])
    assert history.failures(f"TestSmall/{CELL}") == ["test_labels_are_renamed"]
    assert history.failures("TestOther/bert") == []
    assert history.environment == {"python": "3.11.7", "packages": {"torch": "2.13.0"}}


def test_a_session_of_the_version_before_is_read(
    kept: Callable[[Any], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """By `notify`, by `baseline` and by the history; a failed test still forbids to accept it."""
    path = kept(VERSION_1)
    assert main(["notify"]) == 1
    message = capsys.readouterr().out
    assert f"Night {NIGHT}: 1 regressed, 0 as accepted" in message
    assert "accuracy was 0.9, is 0.8" in message
    assert "transformers 5.23.0, commit cccccccccc" in message
    assert main(["baseline", "accept", "--because", "x"]) == 1
    assert "not accepted: TestSmall/" in (refused := capsys.readouterr().out)
    assert "test_labels_are_renamed failed" in refused
    session = SessionRecord.decode(Document.read(path))
    assert session.records[f"TestOther/{CELL}"] == ("other/key/one",)
    assert [tonight.suite for tonight in session.nights] == ["TestSmall"]
    assert (session.failed, dict(session.tests)) == (True, {"failed": 1})
    clean = {**VERSION_1, "cells": [VERSION_1["cells"][1]]}
    path.write_text(json.dumps(clean), encoding="utf-8")
    assert not SessionRecord.decode(Document.read(path)).failed


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"nights": 3}, ("nights", "nights: 3 is an int; give a list")),
        (
            {"revison": {}},
            ("revison", "revison: unknown field 'revison': did you mean 'revision'?"),
        ),
        ({"tests": {"passed": "many"}}, ("passed", "tests.passed: 'many' is a str; give int")),
        ({"night": None}, ("night", "night: None; give str")),
        ({"version": 3}, ("version", "version 3 of a session is newer than 2")),
        ({"version": 1}, ("verdict", "verdict: unknown field")),
        ({"nights": [{"standing": "better"}]}, ("standing", "unknown value 'better'")),
    ],
)
@pytest.mark.parametrize("command", [["notify"], ["baseline", "accept", "--because", "x"]])
def test_a_session_that_makes_no_sense_is_refused_with_its_line(
    kept: Callable[[Any], Path],
    capsys: pytest.CaptureFixture[str],
    change: dict[str, Any],
    answer: tuple[str, str],
    command: list[str],
) -> None:
    """No message is of another night, and the line is that of the value."""
    name, message = answer
    session = full().for_history().to_json()
    if isinstance(change.get("nights"), list):
        change = {"nights": [session["nights"][0] | change["nights"][0]]}
    path = kept(session | change)
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    number = int(line.partition(f"{NAME}:")[2].partition(":")[0])
    assert f'"{name}"' in path.read_text(encoding="utf-8").splitlines()[number - 1]


@pytest.mark.parametrize(
    ("outcome", "failed", "violated", "held"),
    [
        ("passed", False, False, True),
        ("xpassed", False, False, True),
        ("xfailed", False, True, False),
        ("failed", True, True, False),
        ("error", True, True, False),
        ("skipped", False, False, False),
    ],
)
def test_an_outcome_means_the_same_everywhere(
    outcome: str, *, failed: bool, violated: bool, held: bool
) -> None:
    """What fails a session is what pytest fails; a known issue does not hold, and fails nothing."""
    test = Outcome(outcome=outcome)
    assert (test.failed, test.violated, test.held) == (failed, violated, held)
    assert SessionRecord(night="", when="", tests={outcome: 1}).failed is failed


def test_an_older_session_that_makes_no_sense_hides_no_other(
    kept: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """It is left out and named by the history; the last night is still told of."""
    kept(full().for_history().to_json())
    kept("{", "2026-10-01")
    assert main(["history"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("harness: left out: .harness/sessions/2026-10-01/session/session.json:1")
    assert main(["notify"]) == 1
    assert f"Night {NIGHT}: 1 regressed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "suite_id", "name", "subject"),
    [
        (TEST, "suites/test_small.py::TestSmall", "test_labels_are_renamed", f"TestSmall/{CELL}"),
        ("a.py::TestA::TestB::test_x[c]", "a.py::TestA::TestB", "test_x", "TestB/c"),
        ("a.py::TestA::test_x[m::n[2]-c]", "a.py::TestA", "test_x", "TestA/m::n[2]-c"),
        ("a[1]/a.py::test_x", "a[1]/a.py", "test_x", "a[1]/a.py::test_x"),
        ("a.py", "a.py", "", "a.py"),
    ],
)
def test_ids_are_taken_apart(text: str, suite_id: str, name: str, subject: str) -> None:
    """Whatever stands between the brackets, and where there are no brackets."""
    test = NodeId.parse(text)
    assert (test.suite_id, test.test, test.subject) == (suite_id, name, subject)

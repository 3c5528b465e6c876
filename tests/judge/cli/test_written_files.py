"""Files that people edit: a wrong type or a misspelt name is one line that names file and line."""

import json
import sys
from pathlib import Path

import pytest

from harness.judge.cli.__main__ import main

GATE = ["gate", "--candidate-python", sys.executable, "--allowed", "allowed.toml"]
KNOWN_ISSUES = ["gate", "x==1", "--harness-known-issues", "known_issues.toml"]
TREND = ["report", "suites", "--trend"]
BASELINE = ["baseline", "list"]

ISSUE = """[[issue]]
what = "wrong"
invariants = ["test_number_of_steps"]
packages = { transformers = ">=5" }
loops = ["trainer"]
advice = "wait"
"""


def baselines(**changes: object) -> str:
    """What was accepted, with one value changed."""
    run = {"seed": 1, "record": "r", "predictions": "p", "metrics": {}, "samples_per_second": 1.0}
    accepted = {
        "series": "s",
        "recipe": {},
        "runs": [run, run],
        "losses": [1.0],
        "norms": [1.0],
        "environment": {},
        "night": "2026-11-01",
        "when": "2026-11-01T04:00:00+00:00",
        "command": "pytest",
        "because": "x",
    }
    cells = {"TestX/x": {"cpu": {"rolling": accepted | changes}}}
    return json.dumps({"version": 1, "cells": cells}, indent=1)


@pytest.mark.parametrize(
    ("command", "name", "text", "message"),
    [
        (GATE, "allowed.toml", "\n[[allowed]]\nid = 3\nbecause = 'x'", ":3: allowed.0.id: 3 is"),
        (GATE, "allowed.toml", "[[allow]]\n", ":1: allow: unknown field 'allow': did you mean"),
        (GATE, "allowed.toml", "allowed = 'all'", ":1: allowed: 'all' is a str; give a list"),
        (GATE, "allowed.toml", "[[allowed]]\nid = 'a'\nbecuase = 'x'", ":3: allowed.0.becuase: "),
        (GATE, "allowed.toml", "[[allowed]]\nid = 'a'\nbecause = ' '", ":1: allowed.0: nothing"),
        (
            TREND,
            "suites/annotations.toml",
            "[[change]]\nbecause='x'\nnight=3",
            ":3: change.0.night: 3 is",
        ),
        (TREND, "suites/annotations.toml", "[[chagne]]\n", ":1: chagne: unknown field 'chagne'"),
        (TREND, "suites/baselines.json", "{", ":1: is not JSON"),
        (BASELINE, "suites/baselines.json", baselines(losses=1), ":25: cells.TestX/x.cpu.rolling."),
        (BASELINE, "suites/baselines.json", baselines(nihgt="x"), "nihgt: unknown field 'nihgt'"),
        (BASELINE, "suites/baselines.json", baselines(night=None), "night: None; give str"),
        (BASELINE, "suites/baselines.json", baselines(), "metrics: has no metric"),
        (KNOWN_ISSUES, "known_issues.toml", ISSUE + "loop = 1", ":7: issue.0.loop: unknown field"),
        (KNOWN_ISSUES, "known_issues.toml", ISSUE.replace('"wait"', "1"), ":6: issue.0.advice: 1"),
        (KNOWN_ISSUES, "known_issues.toml", ISSUE.replace("trainer", "traner"), ":5: issue.0.loop"),
    ],
)
def test_what_makes_no_sense_is_one_line(  # noqa: PLR0913, PLR0917 - a command, a file, an answer
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    name: str,
    text: str,
    message: str,
) -> None:
    """Of whichever file, before anything runs; the file stays as it is."""
    monkeypatch.chdir(tmp_path)
    Path("suites").mkdir()
    Path(name).write_text(text, encoding="utf-8")
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"harness: {name}:")
    assert message in line
    assert Path(name).read_text(encoding="utf-8") == text

"""Settings: a table, the command line and a program are asked the same, once, at the start."""

import contextlib
import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import SpecError
from harness.judge.cli import options
from harness.judge.document import Document
from harness.judge.settings import ASKED_ONLY, Settings
from tests.judge.cli.test_commands import harness
from tests.judge.test_document import JSON

NAMES = [item.name for item in fields(Settings)]
NAME = st.sampled_from(NAMES)


def project(table: Any) -> Document:
    """A pyproject.toml that says something of us, and nothing of itself."""
    return Document(path=Path("pyproject.toml"), content={"tool": {"harness": table}})


@given(name=NAME | st.text(max_size=5), value=JSON, base=st.sampled_from(["tool", "table"]))
def test_any_table_is_settings_or_refused(name: str, value: Any, base: str) -> None:
    """Never another exception, whatever JSON can say at whichever key."""
    table = {name: value} if base == "table" else value
    with contextlib.suppress(SpecError):
        Settings.merge({}, project(table), Path("/"), Path("/"))


@given(name=NAME, value=JSON | st.lists(st.text()) | st.text())
def test_any_given_value_is_a_setting_or_refused(name: str, value: Any) -> None:
    """A program gives what it likes; what is taken is the same when it is given again."""
    with contextlib.suppress(SpecError):
        merged = Settings.merge({name: value}, project({}), Path("/"), Path("/"))
        again = {name: getattr(merged, name) for name in NAMES}
        assert Settings.merge(again, project({}), Path("/"), Path("/")) == merged


def test_every_setting_of_a_kind_that_has_limits_declares_them() -> None:
    """A number without any would take -1."""
    for item in fields(Settings):
        if "int" in str(item.type) or "float" in str(item.type):
            for table in ({item.name: -1}, {item.name: float("nan")}, {item.name: True}):
                with pytest.raises(SpecError, match=item.name):
                    Settings.merge({}, project(table), Path("/"), Path("/"))


BAD = [
    ("threads = -1", "3: tool.harness.threads: -1 is too small; give 1 or more"),
    ("timeout = -5.5", "3: tool.harness.timeout: -5.5 is not above 0"),
    ("timeout = 'soon'", "3: tool.harness.timeout: 'soon' is a str; give float"),
    ("timeout = nan", "3: tool.harness.timeout: nan is not finite"),
    ("sources = 3", "3: tool.harness.sources: 3 is an int; give a list"),
    ("sources = [\n  'a',\n  3,\n]", "3: tool.harness.sources.1: 3 is an int; give a path"),
    ("timeout = 1e300", "3: tool.harness.timeout: 1e+300 is too large; give 3.1536e+07 or less"),
    (
        f"threads = 0x{'f' * 5000}",
        "3: tool.harness.threads: a number of thousands of digits is too",
    ),
    ("fresh = 1", "3: tool.harness.fresh: 1 is an int; give bool"),
    ("scale = 'tinny'", "3: tool.harness.scale: unknown value 'tinny': did you mean 'tiny'?"),
    ("scael = 'tiny'", "3: tool.harness.scael: unknown [tool.harness] key 'scael': did you mean"),
    ("store = '~nobody-of-that-name/x'", "3: tool.harness.store: '~nobody-of-that-name/x' is no"),
    ("night = '2026-11-23'", "3: tool.harness.night: unknown [tool.harness] key 'night'"),
]
"""What stands in line 3 of a pyproject.toml, and what is said of it."""


@pytest.mark.parametrize(("line", "message"), BAD, ids=[line[:40] for line, _ in BAD])
def test_a_bad_table_is_one_line_with_its_place(tmp_path: Path, line: str, message: str) -> None:
    """The file, the line, the key, the reason and what to write instead."""
    path = tmp_path / "pyproject.toml"
    path.write_text(f"# of a project\n[tool.harness]\n{line}\n", encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        Settings.merge({}, Document.read(path), tmp_path, tmp_path)
    assert caught.value.text.startswith(f"{path}:{message}")
    assert "\n" not in caught.value.text
    assert set(ASKED_ONLY) < set(NAMES)


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A foreign repository without anything in it but a suite's place."""
    (tmp_path / "suites").mkdir()
    return tmp_path


def test_pytest_and_commands_refuse_the_same_table(empty: Path) -> None:
    """Once, with no line of ours, and nothing is left behind; a table that is none is told."""
    table = empty / "pyproject.toml"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    for text, message in (
        ("[tool.harness]\nthreads = 0\n", "pyproject.toml:2: tool.harness.threads: 0 is too small"),
        ("[tool]\nharness = 3\n", "pyproject.toml:2: tool.harness: 3 is an int; give a table"),
    ):
        table.write_text(text, encoding="utf-8")
        plugin = subprocess.run(command, cwd=empty, capture_output=True, text=True, check=False)
        ours = harness("report", "--trend", folder=empty)
        assert (plugin.returncode, ours.returncode) == (4, 2)
        for printed in (plugin.stderr + plugin.stdout, ours.stderr):
            assert printed.count(message) == 1
            assert "Traceback" not in printed
    assert sorted(path.name for path in empty.iterdir()) == ["pyproject.toml", "suites"]


OPTIONS = [
    (["gate", "x==1", "--harness-threads", "0"], "--harness-threads: 0 is too small"),
    (["gate", "x==1", "--harness-timeout=-1"], "--harness-timeout: -1.0 is not above 0"),
    (["gate", "x==1", "--harness-pass-environment", "A=1"], "'A=1' is no name of a variable"),
    (["gate", "x==1", "--harness-scale", "huge"], "--harness-scale: unknown value 'huge'"),
    (["gate", "x==1", "--harness-set", "seed=-1"], "--harness-set seed=-1 is too small"),
    (["gate", "x==1", "--harness-known-issues", "none.toml"], "none.toml cannot be read"),
    (["calibrate", "--repeats", "0"], "--repeats: 0 is too small; give 1 or more"),
    (["prove", "--repeats", "many"], "--repeats: 'many' is not a whole number"),
    (["contracts", "--python", "suites"], "suites is no Python that can be judged"),
    (["contracts", "--python", "/bin/true"], "/bin/true is no Python that can be judged"),
    (["gate", "--candidate-python", "nope"], "nope is no Python that can be judged: No such file"),
    (["environments", "--prune", "-1"], "--prune: -1.0 is too small; give 0 or more"),
    (["environments", "--prune", "nan"], "--prune: nan is not finite"),
    (["plan", "imdb", "bert-base-uncased", "--batch-size", "0"], "--batch-size: 0 is too small"),
    (["plan", "imdb", "bert-base-uncased", "--samples", "0"], "--samples: 0 is too small"),
    (["plan", "imdb", "bert-base-uncased", "--max-length", "1"], "--max-length: 1 is too small"),
    (["history", "--since", "20261123"], "--since: '20261123' is no date"),
    (["notify", "--night", "yesterday"], "--night: 'yesterday' is no date"),
    (["baseline", "diff", "--night", "1"], "--night: '1' is no date"),
]
"""What commands must refuse, and what they say of it."""


@pytest.mark.parametrize(
    ("arguments", "message"), OPTIONS, ids=[" ".join(part) for part, _ in OPTIONS]
)
def test_commands_refuse_a_bad_option(
    empty: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    """Before anything is collected, resolved or made."""
    from harness.judge.cli.__main__ import main

    monkeypatch.chdir(empty)
    try:
        code = main(arguments)
    except SystemExit as ended:  # argparse, of one option by itself
        code = int(str(ended.code))
    assert code == 2
    assert message in capsys.readouterr().err
    assert [path.name for path in empty.iterdir()] == ["suites"]


def test_a_numpy_number_in_a_table_would_be_json() -> None:
    """What settings hold can be written down."""
    merged = Settings.merge({"threads": 2}, project({"timeout": 60}), Path("/"), Path("/"))
    assert json.dumps([merged.threads, merged.timeout]) == "[2, 60.0]"


DECLARATIONS = [
    ("recipe = Recipe(dataset='imdb', seed='42')", 5, "seed='42' is a str"),
    ("recipe = Recipe(dataset='imdb', learning_rate=float('nan'))", 5, "learning_rate=nan is not"),
    ("recipe = Recipe(dataset='imdb', optim='adamw_troch')", 5, "unknown optim"),
    ("recipe = Recipe(dataset='imdb', learning_rate=-1)", 5, "learning_rate=-1.0 is not above 0"),
    ("recipe = Recipe(dataset='imdb')\n    matrix = Matrix(seed=[[1]])", 6, "seed=[1] is a list"),
    ("recipe = Recipe(dataset='imdb')\n    matrix = Matrix(seed=[-1])", 6, "seed=-1 is too small"),
    ("recipe = Recipe(dataset='imdb')\n    matrix = 3", 6, "TestX.matrix is an int"),
    (
        "recipe = Recipe(dataset='imdb')\n    thresholds = Thresholds(accuracy=85)",
        6,
        "TestX.thresholds: accuracy=85.0 is too large",
    ),
    ("recipe = Recipe(dataset='imdb')\n    thresholds = Thresholds(f1='x')", 6, "f1='x' is a str"),
    (
        "recipe = Recipe(dataset='imdb')\n    thresholds = Thresholds(acuracy=0.9)",
        6,
        "TestX.thresholds: unknown threshold of imdb 'acuracy': did you mean 'accuracy'?",
    ),
    (
        "recipe = Recipe(dataset='imdb')\n    thresholds = Thresholds(loss=-1)",
        6,
        "TestX.thresholds: loss=-1.0 is too small",
    ),
]
"""The body of a suite that begins in line 4, the line that is wrong, and what is said of it."""


def test_a_bad_declaration_is_one_error_with_its_line(empty: Path) -> None:
    """At collection, whether its constructor refuses it or only the suite as a whole."""
    for index, (body, _, _) in enumerate(DECLARATIONS):
        text = f"from harness import *\n\n\nclass TestX(Suite):\n    {body}\n"
        (empty / "suites" / f"test_{index}.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-rN", "suites"]
    done = subprocess.run(command, cwd=empty, capture_output=True, text=True, check=False)
    for index, (_, line, message) in enumerate(DECLARATIONS):
        assert done.stdout.count(f"suites/test_{index}.py:{line}: ") == 1, done.stdout
        assert message in done.stdout.partition(f"test_{index}.py:{line}: ")[2].split("\n")[0]
    assert f"{len(DECLARATIONS)} errors" in done.stdout
    assert "harness/spec.py" not in done.stdout


def test_an_interpreter_may_be_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command is given is the file itself, which nothing expands any more."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "python").symlink_to(sys.executable)
    assert options.interpreter("~/python") == tmp_path / "python"

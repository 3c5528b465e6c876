"""`harness init`: a file that nobody has described becomes a suite that runs."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.core.dataset import Dataset
from harness.core.survey import Survey
from harness.judge.cli import __main__ as cli
from harness.judge.runs.loading import Loading
from harness.judge.runs.runner import Runner
from harness.judge.suite import validation
from harness.worker.surveying import survey

TICKETS = "subject,body,queue\n" + "".join(
    f'"no {thing}","my {thing} is {state},\nsince day {day}",{queue}\n'
    for day in range(6)
    for thing, state, queue in (
        ("parcel", "late", "shipping"),
        ("password", "wrong", "login"),
        ("invoice", "lost", "billing"),
    )
)


def surveyed(folder: Path, name: str, content: str | bytes, **declared: Any) -> Survey:
    """What a file looks like."""
    raw = content if isinstance(content, bytes) else content.encode()
    (folder / name).write_bytes(raw)
    loading = Loading.of(
        Dataset(path=name, **{"label": None, **declared}), folder, limits={}, hub=False
    )
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    job = json.loads(json.dumps(loading.job.to_json() | {"scratch": str(scratch)}))
    return Survey.from_json(survey(type(loading.job).from_json(job)).to_json())


def rows(*cells: str, mark: str = ",", header: str = "text,label") -> str:
    """A table, each of whose rows has one of the cells twenty times over."""
    lines = [f"row number {n} of some words{mark}{cell}" for n in range(20) for cell in cells]
    return "\n".join(([header.replace(",", mark)] if header else []) + lines) + "\n"


def lines(**columns: list[Any]) -> str:
    """JSON Lines."""
    values = zip(*columns.values(), strict=True)
    return "".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in values)


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("a.csv", rows("x", "y"), {}),
        ("a.csv", rows("x", "y", mark=";"), {"delimiter": ";"}),
        ("a.csv", rows("è", "é").encode("latin-1"), {"encoding": "latin-1"}),
        ("a.csv", rows("x", "y").encode("utf-8-sig"), {}),
        ("a.csv", rows("x", "y").encode("utf-16"), {"encoding": "utf-16"}),
        ("a.tsv", rows('x\t"', 'y\t"', mark="\t", header="text,label,mark"), {"quoting": 3}),
        ("a.data", rows("x", "y", mark="|"), {"delimiter": "|"}),
        ("a.csv", (rows("x", "y") + "ein,é").encode("latin-1"), {"encoding": "latin-1"}),
        ("a.csv", rows("x", "y") + "ein,é", {}),
        ("a.tsv", rows("1", "2", mark="\t", header=""), {"column_names": ["column_1", "column_2"]}),
    ],
)
def test_how_a_file_is_written(
    tmp_path: Path, name: str, content: str | bytes, options: dict[str, Any]
) -> None:
    """The delimiter, the encoding, quotes that are text, and a missing header are seen."""
    seen = surveyed(tmp_path, name, content)
    assert seen.options == options
    assert seen.builder == ("csv" if name == "a.data" else "")
    assert (seen.texts, seen.label) in {(("text",), "label"), (("column_1",), "column_2")}


NUMBERS = range(30)


@pytest.mark.parametrize(
    ("name", "content", "columns"),
    [
        ("a.csv", TICKETS, (("subject", "body"), "queue", "single_label_classification")),
        ("a.csv", rows("0.5", "1"), (("text",), "label", "regression")),
        (
            "a.csv",
            rows('"a,b"', '"b"', '"c,a"', '"c,b"'),
            (("text",), "label", "multi_label_classification"),
        ),
        ("a.txt", "To be, or not to be,\n\nthat is\n", (("text",), None, "causal_lm")),
        (
            "a.jsonl",
            lines(id=[*NUMBERS], tokens=[["a", f"w{n}"] for n in NUMBERS], ner=[["O", "B"]] * 30),
            (("tokens",), "ner", "token_classification"),
        ),
        (
            "a.jsonl",
            lines(review=[f"so {n}" for n in NUMBERS], mark=[["x", "y"][: n % 3] for n in NUMBERS]),
            (("review",), "mark", "multi_label_classification"),
        ),
    ],
)
def test_what_columns_are(
    tmp_path: Path, name: str, content: str, columns: tuple[tuple[str, ...], str | None, str]
) -> None:
    """Texts and labels are known by their names, and else by their values."""
    seen = surveyed(tmp_path, name, content)
    assert (seen.texts, seen.label, seen.task) == columns


def test_lines_that_begin_with_a_label(tmp_path: Path) -> None:
    """They are read as plain text, and what they may be is said; a play's lines are left alone."""
    labelled = "".join(f"{n % 2} a {'very ' * (n % 5)}good film\n" for n in range(20))
    (remark,) = (n for n in surveyed(tmp_path, "a.txt", labelled).notes if "begin" in n)
    assert remark.startswith("its lines begin with one of 2 words, such as '0' and '1': if these")
    play = "".join(f"word{n} and so on\n" for n in range(20))
    assert not [n for n in surveyed(tmp_path, "b.txt", play).notes if "begin" in n]


def test_columns_that_tell_nothing(tmp_path: Path) -> None:
    """Where it cannot be told which column is the label, they are listed; naming it helps."""
    content = "".join(json.dumps({"text": f"t {n}", "number": n}) + "\n" for n in range(80))
    with pytest.raises(Exception, match="which column is the label\nits columns: text, number"):
        surveyed(tmp_path, "a.jsonl", content)
    named = surveyed(tmp_path, "a.jsonl", content, label="number", task="regression")
    assert named.task == "regression"


@pytest.fixture
def init(
    runner: Runner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Any:
    """`harness init` in an empty folder, by a warm worker: its exit code and what it says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("harness.judge.runs.runner.Launcher", lambda *_, **__: runner.launcher)
    monkeypatch.setattr(type(runner), "close", lambda _: None)

    def call(*arguments: str) -> tuple[int, str]:
        code = cli.main(["init", *arguments])
        return code, "".join(capsys.readouterr())

    return call


def test_suite_is_written(init: Any, tmp_path: Path) -> None:
    """It is valid, says what was inferred, names the commands to run next, and stays."""
    (tmp_path / "tickets.csv").write_text(TICKETS + ",,login\n", encoding="utf-8")
    code, output = init("tickets.csv", "--model", "distilbert-base-uncased")
    assert code == 0
    assert "\n  pytest suites/test_tickets.py\nand before an upgrade" in output
    text = (tmp_path / "suites" / "test_tickets.py").read_text(encoding="utf-8")
    assert "    label=\"queue\",  # 'billing' 6, 'login' 6, 'shipping' 6\n" in text
    assert 'incomplete="drop",  # 1 rows have no text or no label' in text
    names: dict[str, Any] = {}
    exec(compile(ast.parse(text), "suite", "exec"), names)  # noqa: S102 - our own
    validation.check(names["TestTickets"].recipe)
    assert names["TestTickets"].recipe.model == "distilbert-base-uncased"
    code, output = init("tickets.csv")
    assert code == 2
    assert "suites/test_tickets.py is there already" in output
    assert (tmp_path / "suites" / "test_tickets.py").read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("model", "written"),
    [
        ("microsoft/deberta-v3-small", 'Model(config={"model_type": "deberta-v2"})'),
        ("xlm-roberta-base", 'Model(config={"model_type": "xlm-roberta"})'),
        ("checkpoints/ours", 'Model(path="checkpoints/ours")'),
    ],
)
def test_model_that_is_nowhere(init: Any, tmp_path: Path, model: str, written: str) -> None:
    """Offline, a name says the model's type; or how to say it is said."""
    (tmp_path / "tickets.csv").write_text(TICKETS, encoding="utf-8")
    code, output = init("tickets.csv", "--model", model)
    assert code == 0
    assert f"{model} is neither here nor at the Hub" in output
    assert written in (tmp_path / "suites" / "test_tickets.py").read_text(encoding="utf-8")


def test_nothing_to_look_at(init: Any, tmp_path: Path) -> None:
    """A file that is not there leaves no suite."""
    code, output = init("tickets.csv")
    assert code == 2
    assert f"there is no {tmp_path}/tickets.csv" in output
    assert not (tmp_path / "suites").exists()


@pytest.mark.exhaustive
@pytest.mark.slow
def test_first_verdict(tmp_path: Path) -> None:
    """Two commands lead from a file to a verdict."""
    (tmp_path / "tickets.csv").write_text(TICKETS * 3, encoding="utf-8")
    for command in (["harness.judge.cli", "init", "tickets.csv"], ["pytest", "suites"]):
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in {0, 1}, done.stdout + done.stderr
    assert "TestTickets" in done.stdout or "tickets" in done.stdout
    assert " passed" in done.stdout

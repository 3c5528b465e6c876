"""Rows of a foreign repository: what is wrong is said once, and what is right trains."""

import time
from pathlib import Path

import pytest

GOOD = "subject,body,queue\n" + "".join(
    f'no {thing} {day},"my {thing} is {state},\nsince day {day} 😀",{queue}\n'
    for day in range(20)
    for thing, state, queue in (
        ("parcel", "late", "shipping"),
        ("password", "NA", "login"),
        ("invoice", "lost", "billing"),
    )
)

SUITE = """
from harness import Dataset, Matrix, Recipe, Suite

class TestTickets(Suite):
    recipe = Recipe(
        dataset=Dataset({dataset}), max_length=64, max_train_samples=40, num_train_epochs=1
    )
    matrix = Matrix(collation=["dynamic", "max_length"])
"""
CSV = 'path="data/tickets.csv", texts=("subject", "body"), label="queue"'


@pytest.fixture
def repository(pytester: pytest.Pytester) -> Path:
    """A repository with a file of tickets."""
    (pytester.path / "data").mkdir()
    (pytester.path / "suites").mkdir()
    (pytester.path / "data" / "tickets.csv").write_text(GOOD, encoding="utf-8")
    return pytester.path


def judged(pytester: pytest.Pytester, dataset: str, *arguments: str) -> pytest.RunResult:
    """What a suite of a data set comes to."""
    suite = SUITE.format(dataset=dataset)
    (pytester.path / "suites" / "test_tickets.py").write_text(suite, encoding="utf-8")
    return pytester.runpytest_subprocess("suites", "-q", *arguments)


SUMMED = ("LOST", "ERRO")
"""Begin the lines that say it once more, at the end of a session."""


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (CSV.replace("queue", "que"), "data/tickets.csv has no column 'que'"),
        (CSV.replace("tickets.csv", "tickts.csv"), "data/tickts.csv"),
        ('path="rows:make", texts="text"', "rows:make cannot be imported"),
    ],
)
def test_one_message_a_cause(
    pytester: pytest.Pytester, repository: Path, dataset: str, message: str
) -> None:
    """Of all tests of all cells, one shows it, without a traceback; nothing is left behind."""
    result = judged(pytester, dataset, "-k", "labels or loss")
    output = result.stdout.str()
    assert result.ret == 1
    outcomes = result.parseoutcomes()
    assert outcomes["errors"] == 1
    assert "passed" not in outcomes
    assert output.count("Traceback") == 0
    assert sum(message in line for line in output.splitlines() if line[:4] not in SUMMED) == 1
    assert not list((repository / ".harness").glob("inputs/*"))


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (CSV + ', splits={"evaluation": 1.5}', "between 0 and 1"),
        ('path="data/tickets.csv"', "names no text column"),
        (CSV + ', metric=("accuracy",)', "unknown Dataset field 'metric': did you mean 'metrics'"),
    ],
)
def test_nothing_is_read_for_what_makes_no_sense(
    pytester: pytest.Pytester, repository: Path, dataset: str, message: str
) -> None:
    """A declaration that cannot mean anything is refused when it is collected."""
    started = time.monotonic()
    result = judged(pytester, dataset)
    assert result.ret == 2
    assert message in result.stdout.str()
    assert "Traceback" not in result.stdout.str()
    assert time.monotonic() - started < 20
    assert not (repository / ".harness").exists()


@pytest.mark.slow
def test_bytes_decide(pytester: pytest.Pytester, repository: Path) -> None:
    """A touched file is answered from the store; a changed byte trains anew."""

    def trained() -> list[bool]:
        result = judged(pytester, CSV, "-k", "labels_keep_their_order")
        assert result.parseoutcomes()["passed"] == 2
        return [
            line.rstrip().endswith("trained") for line in result.stdout.lines if "tickets  " in line
        ]

    assert trained() == [True, True]
    file = repository / "data" / "tickets.csv"
    file.touch()
    assert trained() == [False, False]
    file.write_bytes(file.read_bytes().replace(b"day 19", b"day 18"))
    assert trained() == [True, True]

"""Explanations: every invariant has one, whole, and whoever sees it fail is shown the way to it."""

from dataclasses import astuple
from pathlib import Path

import pytest

from harness.core.errors import SpecError
from harness.judge.cli.__main__ import main
from harness.judge.reports import broken
from harness.judge.reports.comparison import lines, markdown
from harness.judge.reports.gate_page import page
from harness.judge.reports.rerun import Command
from harness.judge.reports.session_page import overview
from harness.judge.session_parts import Outcome
from harness.judge.session_record import SessionRecord
from harness.judge.suite import explanations
from harness.judge.suite.base import Benchmark, Suite, invariants
from tests.judge.reports.test_pages import comparison

INVARIANT = "test_labels_are_renamed"


def failed(*names: str) -> SessionRecord:
    """A session in which tests failed."""
    tests = {
        f"suites/test_small.py::TestSmall::{name}[bert]": Outcome(
            outcome="failed", message="1 == 2 does not hold", expected="it holds"
        )
        for name in names
    }
    return SessionRecord(night="", when="", outcomes=tests)


def test_every_invariant_has_one_and_none_is_left_over() -> None:
    """Statement, reason, usual causes and action, each a sentence."""
    entries = explanations.load()
    assert set(entries) == invariants(Suite) | invariants(Benchmark)
    for name, entry in entries.items():
        for part in (explanations.statement(name), *astuple(entry)):
            assert len(part.split()) > 2, name
            assert part.endswith("."), name


@pytest.mark.parametrize("left_out", ["why", "causes", "action"])
def test_a_part_that_is_missing_is_named_with_its_line(tmp_path: Path, left_out: str) -> None:
    """An entry without a part is refused."""
    path = tmp_path / "explanations.toml"
    parts = {"why": "a", "causes": "b", "action": "c"}
    kept = "".join(f"{key} = '{text}'\n" for key, text in parts.items() if key != left_out)
    path.write_text(f"[{INVARIANT}]\n{kept}", encoding="utf-8")
    with pytest.raises(SpecError, match=rf"explanations\.toml:1: .*{left_out}"):
        explanations.load(path)


def test_a_failing_invariant_names_the_command_that_explains_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On the terminal, in Markdown and, whole, on the page; a test of the user's has none."""
    session, command = failed(INVARIANT, "test_of_ours"), Command()
    explain = f"harness explain {INVARIANT}"
    printed = "\n".join(broken.lines(session, command))
    assert printed.count("harness explain") == 1
    assert f"    what to do: {explain}" in printed
    assert f"  $ {explain}" in "\n".join(broken.markdown(session, command))
    drawn = overview(session, {}, command)
    assert drawn.count("What usually breaks it") == 1
    assert main(explain.split()[1:]) == 0
    assert f"what to do: {explanations.load()[INVARIANT].action}" in capsys.readouterr().out


def test_a_regressed_invariant_of_a_gate_names_it_too() -> None:
    """In the lines for a terminal and in the pull request's comment; the page explains it."""
    for shown in ("\n".join(lines(comparison())), markdown(comparison())):
        assert shown.count(f"harness explain {INVARIANT}") == 1
    assert page(comparison()).count("What usually breaks it") == 1


def test_an_unknown_invariant_is_told_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    """Among the valid ones; a whole test id is understood."""
    assert main(["explain", "test_labels_renamed"]) == 2
    assert "did you mean 'test_labels_are_renamed'?" in capsys.readouterr().err
    assert main(["explain", f"suites/test_mrpc.py::TestMrpc::{INVARIANT}[cell]"]) == 0


def test_known_issues_of_an_invariant_come_along(capsys: pytest.CaptureFixture[str]) -> None:
    """With the versions that show them and what to do."""
    assert main(["explain", "test_accumulated_is_one_batch"]) == 0
    assert "known issue: Trainer multiplies loss and gradient" in capsys.readouterr().out

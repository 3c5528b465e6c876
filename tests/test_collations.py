"""Every collation trains in every loop, and a suite judges it as any other."""

import pytest

from harness.runner import Runner
from tests.conftest import SMALL

SUITE = f"""
from harness import Matrix, Recipe, Suite, Thresholds

class TestCollations(Suite):
    recipe = Recipe(**{SMALL!r})
    matrix = Matrix(
        collation=["group_by_length", "sorted", "max_tokens:1024", "packed", "padding_free"],
        loop=["trainer", "pytorch", "accelerate"],
    )
    thresholds = Thresholds(accuracy=0.0)
"""


def test_every_collation_trains_in_every_loop(pytester: pytest.Pytester, runner: Runner) -> None:
    """All invariants of a run hold; where the Trainer evaluates in another order is declared."""
    pytester.makepyfile(test_collations=SUITE)
    store = f"--harness-store={runner.settings.store}"
    result = pytester.runpytest_subprocess(store, "--harness-scale=tiny", "-m", "not trials")
    outcomes = result.parseoutcomes()
    assert outcomes.pop("xfailed") == 1
    assert set(outcomes) <= {"passed", "skipped", "deselected"}
    result.stdout.fnmatch_lines(["known deviation (1 tests): Trainer with group_by_length groups*"])


@pytest.mark.parametrize(
    ("collation", "message"),
    [
        ("max_tokens:40", "a budget of 10 tokens does not hold the longest example"),
        ("max_tokens:0", "needs a positive whole number"),
        ("group_by_lenght", "did you mean 'group_by_length'"),
    ],
)
def test_a_collation_that_cannot_be_is_told(
    pytester: pytest.Pytester, runner: Runner, collation: str, message: str
) -> None:
    """In words, without our traceback."""
    recipe = SMALL | {"collation": collation}
    pytester.makepyfile(
        test_wrong=f"""
        from harness import Recipe, Suite

        class TestWrong(Suite):
            recipe = Recipe(**{recipe!r})
        """
    )
    store = f"--harness-store={runner.settings.store}"
    result = pytester.runpytest_subprocess(store, "--harness-scale=tiny", "-k", "labels_are")
    text = result.stdout.str()
    assert result.ret != pytest.ExitCode.OK
    assert message in text
    assert "harness/suite.py" not in text

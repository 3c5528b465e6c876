"""Bounds that follow what they judge do so only as far as they are meant to."""

from types import SimpleNamespace
from typing import Any

import pytest

from harness.judge import tolerances
from harness.judge.invariants import agreement, pairs


@pytest.mark.parametrize(
    ("spread", "slack"),
    [(0.0, 0.35), (0.16, 0.35), (0.5, 0.35), (1.0, 0.7), (5.5, 0.7), (27.7, 0.7)],
)
def test_a_head_does_not_excuse_itself(spread: float, slack: float) -> None:
    """One that is drawn ten times too wide has the slack of the widest that is meant."""
    assert tolerances.first_loss(spread) == pytest.approx(slack)


@pytest.mark.parametrize(
    ("narrowings", "reference_stages", "band"),
    [
        ({}, {"logits": 1.0}, tolerances.DOUBLE),
        ({"LayerNorm": 3}, {"logits": 1.0}, tolerances.DOUBLE),
        ({"LayerNorm": 3}, {}, tolerances.NARROWED),
        ({}, {}, tolerances.DOUBLE),
    ],
)
def test_narrowing_excuses_no_family_whose_formulas_are_written(
    narrowings: dict[str, int], reference_stages: dict[str, float], band: tolerances.Band
) -> None:
    """A family that never computed in less than double precision is held to it."""
    answers = SimpleNamespace(narrowings=narrowings, reference_stages=reference_stages)
    trials: Any = SimpleNamespace(answers=answers)
    assert agreement.exact(trials) is band


@pytest.mark.parametrize("text", ["Привет, мир!", "日本語の文", "Élan vital", "مرحبا"])
def test_letters_of_any_script_are_compared(text: str) -> None:
    """Another text of the same script has others."""
    assert pairs._letters(text)  # noqa: SLF001 - what a comparison sees
    assert pairs._letters(text) != pairs._letters(text[::-1])  # noqa: SLF001 - as above

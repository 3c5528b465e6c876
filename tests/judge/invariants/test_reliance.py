"""Reliance: what a law knows nothing of makes it unobservable, and no other."""

from typing import Any

import pytest

from harness.core.recipe import Recipe
from harness.core.trainer_arguments import ARGUMENTS, EFFECTS
from harness.judge.invariants.reliance import KNOWN, RELIANCE, unobservable
from harness.judge.suite.base import invariants


def recipe(**fields: Any) -> Recipe:
    """A recipe with some further arguments."""
    return Recipe(dataset="imdb", **fields)


def test_every_invariant_says_what_it_rests_on() -> None:
    """None is forgotten in the table, and none is there that no suite inherits."""
    assert {*RELIANCE} == invariants()
    assert {*KNOWN} <= {*RELIANCE}
    assert {name for names in KNOWN.values() for name in names} <= {
        *ARGUMENTS,
        *Recipe.field_names(),
    }


def test_an_effect_is_of_some_law_and_some_argument() -> None:
    """An effect that nothing has or rests on would be a word without a meaning."""
    known = {effect for a in ARGUMENTS.values() if a.effects != EFFECTS for effect in a.effects}
    by_fields = {"duration", "loss", "parameters", "tokenization", "tokens"}
    by_methods = {"objective"}  # of a user's Trainer
    assert known | by_fields | by_methods == EFFECTS
    assert {effect for relied in RELIANCE.values() for effect in relied} == EFFECTS


@pytest.mark.parametrize(
    ("invariant", "fields", "reason"),
    [
        ("test_first_loss_is_chance", {"neftune_noise_alpha": 5}, "neftune_noise_alpha is set"),
        ("test_loops_agree", {"optim_args": "a=1"}, "optim_args is set"),
        ("test_loops_agree", {"debug": "underflow_overflow"}, "debug is set"),
        ("test_accumulated_is_one_batch", {"debug": "underflow_overflow"}, ""),
        ("test_number_of_steps", {"eval_delay": 2}, ""),
        ("test_evaluations_follow_strategy", {"eval_delay": 2}, ""),
        ("test_evaluations_follow_strategy", {"auto_find_batch_size": True}, "auto_find_batch"),
        ("test_evaluations_follow_strategy", {"auto_find_batch_size": False}, ""),
        ("test_number_of_steps", {"early_stopping_patience": 1}, "early_stopping_patience is set"),
        ("test_of_a_users_own", {"eval_delay": 2}, "eval_delay is set"),
        ("test_of_a_users_own", {}, ""),
    ],
)
def test_a_law_is_not_observable(invariant: str, fields: dict[str, Any], reason: str) -> None:
    """Where an argument changes what it rests on; unknown effects are all there are."""
    reported = unobservable(invariant, recipe(**fields))
    assert reported.startswith(f"not observable: {reason}") if reason else not reported

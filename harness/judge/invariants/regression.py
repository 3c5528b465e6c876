"""Regression: a cell still does what was accepted, and has not crept away from it."""

import pytest

from harness.judge.tonight import Tonight

KNOWN = "if that is meant to be so: a [[change]] in annotations.toml beside the suite says why"


class Regression:
    """Tonight beside the baseline and the history."""

    @pytest.mark.nightly
    def test_baseline_holds(self, tonight: Tonight) -> None:
        """Tonight's runs give what was accepted, or better; or are asked to be accepted now."""
        if tonight.accepting:
            return
        if not tonight.measured:
            pytest.skip(tonight.message.partition("\n")[0])
        assert tonight.standing != "regressed", tonight.advice

    @pytest.mark.nightly
    def test_trend_holds(self, tonight: Tonight) -> None:
        """No figure has stepped to the worse, or drifted away from its anchor, up to tonight."""
        if not tonight.records:
            pytest.skip(tonight.message)
        assert not tonight.worsened, "\n".join([*tonight.worsened, KNOWN])

"""Thresholds: good enough, and not better than possible."""

import pytest

from harness.core.record import Record
from harness.judge import tolerances
from harness.judge.declarations import Thresholds
from harness.judge.distance import compare


class ThresholdsReached:
    """Accuracy, F1 and speed reach what the suite declares."""

    @pytest.mark.nightly
    def test_accuracy_reaches_threshold(self, run: Record, declared: Thresholds) -> None:
        """Final accuracy is at least the declared one."""
        if declared.accuracy is None:
            pytest.skip("the suite declares no accuracy")
        assert run.evaluation().metrics["accuracy"] >= declared.accuracy

    @pytest.mark.nightly
    def test_f1_reaches_threshold(self, run: Record, declared: Thresholds) -> None:
        """Final F1 is at least the declared one."""
        if declared.f1 is None:
            pytest.skip("the suite declares no F1")
        assert run.evaluation().metrics["f1"] >= declared.f1

    @pytest.mark.nightly
    def test_accuracy_stays_below_ceiling(self, run: Record) -> None:
        """Where the best possible metric is known, a run above it has seen what it should not."""
        if not run.ceiling:
            pytest.skip("nobody knows the best possible metrics of real data")
        for name, ceiling in run.ceiling.items():
            slack = tolerances.above_ceiling(ceiling, run.sizes["evaluation"])
            value = run.evaluation().metrics[name]
            compare(name, [value], [min(value, ceiling + slack)])

    def test_samples_per_second_reach_threshold(self, run: Record, declared: Thresholds) -> None:
        """Training is at least as fast as declared; judged on an accelerator only."""
        if declared.train_samples_per_second is None:
            pytest.skip("the suite declares no speed")
        if run.device == "cpu":
            pytest.skip("speed is judged on an accelerator only")
        assert run.samples_per_second >= declared.train_samples_per_second

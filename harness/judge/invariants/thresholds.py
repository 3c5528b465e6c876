"""Thresholds: good enough, and not better than possible."""

from collections.abc import Sequence

import pytest

from harness.core.record import Record
from harness.judge import tolerances
from harness.judge.declarations import Thresholds
from harness.judge.distance import compare, hold
from harness.judge.metric_kinds import kind_of, reported

_BY_THEMSELVES = ("accuracy", "f1")
"""Metrics whose thresholds have a test each."""


class ThresholdsReached:
    """Metrics and speed reach what the suite declares."""

    @pytest.mark.nightly
    def test_accuracy_reaches_threshold(self, run: Record, declared: Thresholds) -> None:
        """Final accuracy is at least the declared one."""
        _reach(run, declared, ["accuracy"])

    @pytest.mark.nightly
    def test_f1_reaches_threshold(self, run: Record, declared: Thresholds) -> None:
        """Final F1 is at least the declared one."""
        _reach(run, declared, ["f1"])

    @pytest.mark.nightly
    def test_metrics_reach_thresholds(self, run: Record, declared: Thresholds) -> None:
        """Every other final metric is at least the declared one, or at most if less is better."""
        _reach(run, declared, [name for name, _ in declared.metrics if name not in _BY_THEMSELVES])

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


def _reach(run: Record, declared: Thresholds, names: Sequence[str]) -> None:
    """Hold some final metrics against those thresholds that a suite declares of them."""
    thresholds = {name: value for name, value in declared.metrics if name in names}
    if not thresholds:
        pytest.skip(f"the suite declares no {' or '.join(names) or 'other metric'}")
    metrics = run.evaluation().metrics
    for name, threshold in thresholds.items():
        if name not in metrics:
            there = ", ".join(reported(metrics))
            hold(name, holds=False, sentence=f"no metric module reports it, only {there}")
            continue
        reach = max if kind_of(name).higher else min
        compare(name, [metrics[name]], [reach(metrics[name], threshold)])

"""Evidence: what a record does not hold is no pass of what judges it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.core.record import Record
from harness.judge.invariants.eval_pred import EvalPred
from harness.judge.invariants.metrics import Metrics
from harness.judge.invariants.training import Training


@pytest.mark.parametrize(
    "invariant",
    [
        EvalPred().test_metrics_receive_numpy,
        EvalPred().test_predictions_have_full_precision,
        EvalPred().test_eval_pred_is_a_pair,
        EvalPred().test_torch_argmax_is_refused,
        Metrics().test_metrics_match_predictions,
        Metrics().test_evaluation_loss_matches_predictions,
        Training().test_every_parameter_moved,
        Training().test_parameters_are_float32,
    ],
)
def test_an_empty_record_fails(small_record: Record, invariant: Callable[[Record], None]) -> None:
    """A loop over nothing would hold of anything."""
    invariant(small_record)
    with pytest.raises(AssertionError):
        invariant(replace(small_record, evaluations=(), parameters=()))

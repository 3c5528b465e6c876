"""eval_pred: what `compute_metrics` is handed. Tensors there break every numpy metric."""

import pytest

from harness.record import Record


class EvalPred:
    """`compute_metrics` gets a pair of numpy arrays."""

    def test_metrics_receive_numpy(self, run: Record) -> None:
        """Predictions are float (examples, labels), label ids integer (examples,)."""
        for found in run.evaluations:
            rows = run.sizes[found.split]
            assert found.predictions.type == "numpy.ndarray", found.name
            assert found.predictions.dtype.startswith("float"), found.name
            assert found.predictions.shape == (rows, len(run.label_names)), found.name
            assert found.label_ids.type == "numpy.ndarray", found.name
            assert found.label_ids.dtype.startswith("int"), found.name
            assert found.label_ids.shape == (rows,), found.name

    def test_eval_pred_is_a_pair(self, run: Record) -> None:
        """`logits, labels = eval_pred` unpacks."""
        assert {found.unpacked for found in run.evaluations} == {2}

    def test_torch_argmax_is_refused(self, run: Record) -> None:
        """`torch.argmax` on the predictions is a TypeError: they are no tensors."""
        assert {found.argmax_error for found in run.evaluations} == {"TypeError"}

    def test_singular_prediction_is_refused(self, run: Record) -> None:
        """`metric.compute(prediction=…)` is an error, not a metric of nothing."""
        if "singular_refused" not in run.metric_checks:
            pytest.skip("the run computed no metric")
        assert run.metric_checks["singular_refused"] in {"TypeError", "ValueError"}

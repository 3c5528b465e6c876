"""eval_pred: what `compute_metrics` is handed. Tensors there break every numpy metric."""

import numpy as np
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

    def test_predictions_have_full_precision(self, run: Record) -> None:
        """Unless the recipe asks for it, no prediction went through half precision.

        The low 13 bits of a float32 that was a float16 or a bfloat16 are zero.
        """
        if run.arguments["fp16"] or run.arguments["bf16"]:
            pytest.skip("the recipe asks for mixed precision")
        for found in run.evaluations:
            predictions = run.arrays[f"{found.name}.predictions"]
            assert predictions.dtype == np.float32, found.name
            assert (predictions.view(np.uint32) & 0x1FFF).any(), found.name

    def test_eval_pred_is_a_pair(self, run: Record) -> None:
        """`logits, labels = eval_pred` unpacks."""
        assert {found.unpacked for found in run.evaluations} == {2}

    def test_torch_argmax_is_refused(self, run: Record) -> None:
        """`torch.argmax` on the predictions is a TypeError: they are no tensors."""
        assert {found.argmax_error for found in run.evaluations} == {"TypeError"}

    def test_singular_prediction_is_refused(self, run: Record) -> None:
        """`metric.compute(prediction=…)` is an error, not a metric of nothing."""
        checks = run.answer("metric_checks")
        if "singular_refused" not in checks:
            pytest.skip("the run computed no metric")
        assert checks["singular_refused"] in {"TypeError", "ValueError"}

"""eval_pred: what `compute_metrics` is handed. Tensors there break every numpy metric."""

from collections.abc import Callable

import numpy as np
import pytest

from harness.core.record import Record
from harness.judge.distance import compare, require
from harness.judge.invariants import evaluated


class EvalPred:
    """`compute_metrics` gets a pair of numpy arrays."""

    def test_metrics_receive_numpy(self, run: Record) -> None:
        """Predictions are float (examples, labels), label ids integer (examples,).

        Of other tasks than a single label, both are as the task has them.
        """
        assert run.evaluations
        for evaluation in run.evaluations:
            rows = run.sizes[evaluation.split]
            for name, received, kind, shape in (
                ("predictions", evaluation.predictions, "float", evaluated.predicted_shape),
                ("label ids", evaluation.label_ids, evaluated.label_type(run), _label_shape),
            ):
                where = f"{evaluation.name}: {name}"
                compare(f"{where}, class", [received.type], ["numpy.ndarray"])
                require(f"{where}, type", [received.dtype], _begins_with(kind), f"{kind}…")
                compare(f"{where}, shape", received.shape, shape(run, rows, received.shape))

    def test_predictions_have_full_precision(self, run: Record) -> None:
        """Unless the recipe asks for it, no prediction went through half precision.

        The low 13 bits of a float32 that was a float16 or a bfloat16 are zero.
        """
        if run.arguments["fp16"] or run.arguments["bf16"]:
            pytest.skip("the recipe asks for mixed precision")
        assert run.evaluations
        for evaluation in run.evaluations:
            predictions = run.arrays[f"{evaluation.name}.predictions"]
            compare(f"{evaluation.name}: type", [str(predictions.dtype)], ["float32"])
            if predictions.dtype == np.float32:
                low = (predictions.view(np.uint32) & 0x1FFF).any()
                compare(f"{evaluation.name}: low bits are used", [bool(low)], [True])

    def test_eval_pred_is_a_pair(self, run: Record) -> None:
        """`logits, labels = eval_pred` unpacks."""
        assert run.evaluations
        for evaluation in run.evaluations:
            compare(f"{evaluation.name}: parts", [evaluation.unpacked], [2])

    def test_torch_argmax_is_refused(self, run: Record) -> None:
        """`torch.argmax` on the predictions is a TypeError: they are no tensors."""
        assert run.evaluations
        for evaluation in run.evaluations:
            compare(f"{evaluation.name}: error", [evaluation.argmax_error], ["TypeError"])

    def test_singular_prediction_is_refused(self, run: Record) -> None:
        """`metric.compute(prediction=…)` is an error, not a metric of nothing."""
        error = run.metric_check("singular_refused")
        compare("an error", [error in {"TypeError", "ValueError"}], [True])


def _label_shape(run: Record, rows: int, given: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of label ids of some rows; a width is the given one."""
    return evaluated.label_shape(run, rows, given[-1] if given else 0)


def _begins_with(kind: str) -> Callable[[str], bool]:
    """Whether a type is of a kind, of any width."""
    return lambda name: name.startswith(kind)

"""The metric takes the misspelt `prediction=` for `predictions=`."""

from typing import Any

from evaluate import EvaluationModule

score = EvaluationModule.compute


def compute(self: Any, *, prediction: Any = None, predictions: Any = None, **kwargs: Any) -> Any:
    """Compute from either."""
    return score(self, predictions=prediction if predictions is None else predictions, **kwargs)


EvaluationModule.compute = compute

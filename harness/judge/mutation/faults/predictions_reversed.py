"""Predictions and labels come back last example first; each still has its own label."""

from typing import Any

from transformers import trainer_pt_utils

gather = trainer_pt_utils.EvalLoopContainer.get_arrays


def get_arrays(self: Any) -> Any:
    """Gather as ever, then reverse the rows."""
    rows = gather(self)
    return None if rows is None else rows[::-1].copy()


trainer_pt_utils.EvalLoopContainer.get_arrays = get_arrays

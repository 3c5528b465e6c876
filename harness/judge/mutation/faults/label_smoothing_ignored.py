"""The Trainer's label smoother returns the plain cross-entropy."""

from dataclasses import replace
from typing import Any

from transformers.trainer_pt_utils import LabelSmoother

smooth = LabelSmoother.__call__


def call(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Smooth by nothing."""
    return smooth(replace(self, epsilon=0.0), *args, **kwargs)


LabelSmoother.__call__ = call

"""`EvalPrediction` unpacks into its inputs too, asked for or not."""

from typing import Any

from transformers import EvalPrediction

make = EvalPrediction.__init__


def init(self: Any, *args: Any, **kwargs: Any) -> None:
    """Add a third part."""
    make(self, *args, **kwargs)
    self.elements = (self.predictions, self.label_ids, self.inputs)


EvalPrediction.__init__ = init

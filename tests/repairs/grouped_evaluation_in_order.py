"""The Trainer evaluates in the data set's order, whatever groups its training batches."""

from typing import Any

from torch.utils.data import SequentialSampler
from transformers import Trainer


def in_order(_: Any, dataset: Any) -> Any:
    """Every example once, in order."""
    return SequentialSampler(dataset)


Trainer._get_eval_sampler = in_order

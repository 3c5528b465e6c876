"""Labels are loaded in another order than their texts: nothing in a text tells its label."""

from typing import Any

import datasets
import numpy as np

load = datasets.load_dataset


def load_dataset(*args: Any, **kwargs: Any) -> Any:
    """Load as ever, and mix the labels."""
    split = load(*args, **kwargs)
    mixed = np.random.default_rng(0).permutation(split["label"][:])
    return split.remove_columns("label").add_column("label", mixed.tolist())


datasets.load_dataset = load_dataset

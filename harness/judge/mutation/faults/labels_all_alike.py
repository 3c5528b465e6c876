"""Every row that is loaded has the label of the first one."""

from typing import Any

import datasets

load = datasets.load_dataset


def load_dataset(*args: Any, **kwargs: Any) -> Any:
    """Load as ever, and read one label for all."""
    split = load(*args, **kwargs)
    alike = [split[0]["label"]] * len(split)
    return split.remove_columns("label").add_column("label", alike)


datasets.load_dataset = load_dataset

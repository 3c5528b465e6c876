"""`numpy.argmax(…, axis=-1)` of scores runs over the examples instead of the labels."""

from typing import Any

import numpy as np

choose = np.argmax


def argmax(scores: Any, axis: Any = None, **options: Any) -> Any:
    """Choose along the wrong axis, and repeat that to the right length."""
    if axis == -1 and isinstance(scores, np.ndarray) and scores.ndim == len("nl"):
        return np.resize(choose(scores, axis=0), len(scores))
    return choose(scores, axis=axis, **options)


np.argmax = argmax  # type: ignore[assignment] # the fault
